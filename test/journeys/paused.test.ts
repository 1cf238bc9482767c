import { readFile } from 'node:fs/promises'
import { expect, it, onTestFinished, vi } from 'vitest'
import { settingsPath } from '../../src/config/config.ts'
import { all, expectFailure } from '../helpers/operations.ts'
import { openAuthor, openPeer, publish } from '../helpers/peers.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { privateNetwork } from '../helpers/testnet.ts'

it(
  'a device that is paused exchanges nothing, and does so again once it is resumed',
  { timeout: 120_000 },
  async () => {
    const home = await temporaryDirectory()
    for (const name of ['HOME', 'XDG_CONFIG_HOME', 'LOCALAPPDATA']) vi.stubEnv(name, home)
    onTestFinished(() => void vi.unstubAllEnvs())
    const network = await privateNetwork()
    const author = await openAuthor(network, { issues: 1 })
    const reader = await openPeer(network)
    await all(reader.operations.subscribe({ link: author.link }))
    const { changeSettings, status } = reader.operations
    const peers = async () => (await status({})).peers
    await expect.poll(peers).toBe(1)

    await changeSettings({ settings: { pause: 'on', uploadLimit: '500 kB/s' } })
    await expect.poll(peers).toBe(0)
    expect((await status({})).limits).toEqual({ pause: true, uploadLimit: 500_000 })
    expect(await readFile(settingsPath(), 'utf8')).toBe('uploadLimit = "500 kB/s"\npause = "on"\n')
    await publish(author.operations, '# Two\n')
    const read = () =>
      reader.operations.readIssue({ newsletter: author.feedKey, number: 2, timeoutSeconds: 2 })
    await expectFailure('ISSUE_NOT_FOUND', read())
    expect(await peers()).toBe(0)

    await changeSettings({ settings: { pause: null, uploadLimit: null } })
    await expect.poll(peers, { timeout: 60_000 }).toBe(1)
    await expect.poll(() => read().then((it) => it.title, String), { timeout: 30_000 }).toBe('Two')
    expect(await readFile(settingsPath(), 'utf8')).toBe('')
    await expectFailure('INVALID_INPUT', changeSettings({ settings: { diskCap: '1 kB' } }))
  },
)
