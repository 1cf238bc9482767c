import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { all, expectFailure } from '../helpers/operations.ts'
import { openAuthor, openPeer, type Peer } from '../helpers/peers.ts'
import { eventually } from '../helpers/swarm-peers.ts'
import { privateNetwork } from '../helpers/testnet.ts'

/** What somebody hears from now on. */
function listener({ operations }: Pick<Peer, 'operations'>, newsletter: string) {
  const end = new AbortController()
  const heard: string[] = []
  const ended = (async () => {
    for await (const it of operations.followTalk({ newsletter }, { signal: end.signal })) {
      heard.push(it.event === 'line' ? it.text : it.event)
    }
  })().catch((error: unknown) => {
    if (!end.signal.aborted) throw error
  })
  return { heard, end: () => (end.abort(), ended) }
}

it.each(['a public', 'a private'])(
  'those who read %s newsletter talk, who comes later hears of it, and nothing is on any disk',
  async (kind) => {
    const network = await privateNetwork()
    const mara = await openAuthor(network, { issues: 1, isPrivate: kind === 'a private' })
    const { feedKey: newsletter, link } = mara
    const [ada, bo] = [await openPeer(network), await openPeer(network)]
    for (const it of [ada, bo]) await all(it.operations.subscribe({ link }))
    await expectFailure('INVALID_INPUT', ada.operations.sayLine({ newsletter, text: 'Hello?' }))
    await expectFailure('INVALID_INPUT', all(bo.operations.followTalk({ newsletter })))
    await mara.operations.editNewsletter({ newsletter, talk: true })
    const isOpen = async ({ operations }: Peer) =>
      (await operations.listNewsletters({}))[0]?.conversation
    await eventually(async () => expect(await isOpen(ada)).toBe(true))
    await eventually(async () => expect(await isOpen(bo)).toBe(true))

    const [atMara, atBo] = [listener(mara, newsletter), listener(bo, newsletter)]
    await eventually(() => expect([...atMara.heard, ...atBo.heard]).toEqual(['now', 'now']))
    const text = 'The quay is wet.'
    const { peers } = await ada.operations.sayLine({ newsletter, text, as: 'Ada' })
    expect(peers).toBeGreaterThan(0)
    await eventually(() => expect(atMara.heard).toEqual(['now', text]))
    await eventually(() => expect(atBo.heard).toEqual(['now', text]))
    // Each once, however many bring it.
    for (let i = 0; i < 4; i++) await ada.operations.sayLine({ newsletter, text: `${i}` })
    await expectFailure('INVALID_INPUT', ada.operations.sayLine({ newsletter, text: 'More.' }))
    await eventually(() => expect(atBo.heard).toEqual(['now', text, '0', '1', '2', '3']))

    const late = await openPeer(network)
    await all(late.operations.subscribe({ link }))
    const atLate = listener(late, newsletter)
    await eventually(() => expect(atLate.heard.toSorted()).toContain('3'))
    const { from } = await bo.operations.sayLine({ newsletter, text: 'Yes.' })
    await eventually(() => expect(atLate.heard).toContain('Yes.'))
    await late.operations.hideSpeaker({ newsletter, from })
    await bo.operations.sayLine({ newsletter, text: 'Hidden.' })
    await eventually(() => expect(atMara.heard).toContain('Hidden.'))
    expect(atLate.heard).not.toContain('Hidden.')

    await Promise.all([atMara, atBo, atLate].map((it) => it.end()))
    for (const { engine } of [mara, ada, bo, late]) {
      await engine.close()
      expect(await filesWith(engine.config.dataDir, text)).toEqual([])
    }
  },
)

async function filesWith(folder: string, text: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true })
  const found: string[] = []
  for (const it of names.filter((file) => file.isFile())) {
    const path = join(it.parentPath, it.name)
    if ((await readFile(path)).includes(text)) found.push(path)
  }
  return found
}
