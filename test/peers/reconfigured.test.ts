import { expect, test } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { bindOperations } from '../../src/api/operations.ts'
import { configOf, openEngine } from '../helpers/engines.ts'
import { all } from '../helpers/operations.ts'
import { openAuthor, type Peer } from '../helpers/peers.ts'
import { eventually, folderWithImage, standing, subscribeSoon } from '../helpers/swarm-peers.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { privateNetwork } from '../helpers/testnet.ts'

async function openWith(settings: Partial<Config>): Promise<Peer> {
  const config = { ...configOf(await temporaryDirectory(), settings.bootstrap), ...settings }
  const engine = await openEngine({ config })
  await engine.network()
  return { engine, operations: bindOperations(engine, 'engine') }
}

const change = ({ engine }: Peer, settings: Partial<Config>) =>
  engine.live.replace({ ...engine.config, ...settings })

test('a limit that is lifted while running no longer holds', async () => {
  const bootstrap = await privateNetwork()
  // Alone it would take ten minutes.
  const author = await openWith({ bootstrap, uploadLimit: 15_000 })
  const { link, feedKey } = await author.operations.createNewsletter({ title: 'Tides' })
  const { folder } = await folderWithImage('chart.png', 9_000_000)
  const draft = { markdown: '# Chart\n\n![](chart.png)\n', folder }
  await all(author.operations.publishIssue({ draft }))
  const reader = await openWith({ bootstrap })
  await subscribeSoon(reader, link)
  await eventually(async () => expect((await standing(reader, feedKey)).peers).toBe(1))
  expect(await change(author, { uploadLimit: undefined })).toEqual({
    applied: ['uploadLimit'],
    restart: [],
  })
  await eventually(async () => {
    const { heldBlocks, length } = await standing(reader, feedKey)
    expect(heldBlocks).toBe(length)
  })
})

test('more peers are talked to once there may be more', async () => {
  const bootstrap = await privateNetwork()
  const author = await openAuthor(bootstrap, { issues: 1 })
  await change(author, { maxConnections: 1 })
  const readers = await Promise.all([openWith({ bootstrap }), openWith({ bootstrap })])
  await Promise.all(readers.map((it) => subscribeSoon(it, author.link)))
  const peers = async () => (await author.operations.status({})).peers
  await eventually(async () => expect(await peers()).toBe(1))
  await change(author, { maxConnections: undefined })
  await eventually(async () => expect(await peers()).toBe(2))
})

test('a network that goes online later has the limits of then', async () => {
  const bootstrap = await privateNetwork()
  const config = configOf(await temporaryDirectory(), bootstrap)
  const engine = await openEngine({ config })
  await engine.live.replace({ ...config, allowPeers: ['ab'.repeat(32)] })
  expect(engine.config.allowPeers).toEqual(['ab'.repeat(32)])
  await engine.network()
  await engine.close()
  // And nobody is told any more.
  const { applied } = await engine.live.replace({ ...config, allowPeers: undefined })
  expect(applied).toEqual([])
})
