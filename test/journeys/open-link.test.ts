import { expect, onTestFinished, test } from 'vitest'
import { LAUNCHER } from '../helpers/bin.ts'
import { runNode } from '../helpers/child.ts'
import { jsonOf } from '../helpers/cli.ts'
import { openAuthor } from '../helpers/peers.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { privateNetwork } from '../helpers/testnet.ts'

test('a link leads to its newest issue in one command, on a machine that has nothing yet', async () => {
  const network = await privateNetwork()
  const author = await openAuthor(network, { issues: 5 })
  const dataDir = await temporaryDirectory()
  const bootstrap = network.map(({ host, port }) => `${host}:${port}`).join()
  const flags = ['--data-dir', dataDir, '--bootstrap', bootstrap, '--json']
  const run = async (...args: readonly string[]) => {
    const child = runNode([LAUNCHER, ...args, ...flags], { XDG_CONFIG_HOME: dataDir })
    expect([await child.ended(), child.stderr()]).toMatchObject([0, expect.any(String)])
    return jsonOf(child.stdout())
  }
  onTestFinished(async () => void (await run('daemon', 'stop').catch(() => undefined)))
  // As a mail program hands it on.
  const opened = (await run('open', `<${author.link}>.`)) as Record<string, unknown>
  expect(opened).toMatchObject({ via: 'daemon', title: 'Tide tables', issues: 5, number: 5 })
  const entered = await fetch(String(opened['url']), { redirect: 'manual' })
  const cookie = entered.headers.get('set-cookie')?.split(';', 1)[0] ?? ''
  const page = new URL(entered.headers.get('location') ?? '', String(opened['url']))
  const issue = await (await fetch(page, { headers: { cookie } })).text()
  expect(issue).toMatch(/<h1[^>]*>Issue 5</)
  // The archive is there, and does not bury anybody.
  expect(await run('inbox')).toMatchObject([{ number: 5 }, { number: 4 }, { number: 3 }])
  expect(await run('issues', 'Tide tables')).toHaveLength(5)
})
