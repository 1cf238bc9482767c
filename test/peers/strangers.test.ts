import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import type Corestore from 'corestore'
import HyperDHT from 'hyperdht'
import type { Connection } from 'hyperswarm'
import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import type { Address } from '../../src/config/config.ts'
import { Engine } from '../../src/engine/engine.ts'
import { bindOperations } from '../../src/api/operations.ts'
import { configOf } from '../helpers/engines.ts'
import { openAuthor } from '../helpers/peers.ts'
import {
  announce,
  copyPlainly,
  eventually,
  feedOf,
  openPlainly,
  plainPeer,
  subscribe,
  subscribeSoon,
  tamper,
} from '../helpers/swarm-peers.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { privateNetwork } from '../helpers/testnet.ts'
import { coreOf } from '../helpers/stores.ts'

const STRANGERS = 200

/** A reader whose log can be read, and whose key is known to strangers. */
async function openVictim(bootstrap: readonly Address[], link: string) {
  const lines: { readonly level: number; readonly msg: string; readonly peer?: string }[] = []
  const write = (line: string) => void lines.push(JSON.parse(line) as (typeof lines)[number])
  const config = configOf(await temporaryDirectory(), bootstrap)
  const engine = await Engine.open({ config, logger: pino({ level: 'warn' }, { write }) })
  onTestFinished(() => engine.close())
  const victim = { engine, operations: bindOperations(engine, 'engine'), lines }
  await subscribeSoon(victim, link)
  return victim
}

/** The key that an engine has as a peer. */
async function keyOf(bootstrap: readonly Address[], feedKey: string, not: readonly Buffer[]) {
  const scout = await plainPeer(bootstrap)
  const core = await openPlainly(scout, feedKey)
  await announce(scout, core)
  const found = () =>
    core.peers.map((it) => it.remotePublicKey).find((key) => !not.some((it) => it.equals(key)))
  await eventually(() => expect(found()).toBeDefined())
  const key = found()
  await scout.swarm.destroy({ force: true })
  if (key === undefined) throw new Error('Nobody was found.')
  return key
}

/** So many connections, each under a key of its own. Gives those that are open. */
async function strangers(
  bootstrap: readonly Address[],
  victim: Buffer,
  act: (connection: Connection) => void,
): Promise<Set<Connection>> {
  const dht = new HyperDHT({ bootstrap, host: '127.0.0.1', firewalled: false })
  onTestFinished(() => dht.destroy({ force: true }))
  await dht.fullyBootstrapped()
  await eventually(() => isReachable(dht, victim))
  const open = new Set<Connection>()
  let met = 0
  const dial = async () => {
    const connection = dht.connect(victim, { keyPair: HyperDHT.keyPair() })
    connection.on('error', () => undefined)
    connection.on('close', () => open.delete(connection))
    if (!(await connection.opened)) return
    met++
    open.add(connection)
    act(connection)
  }
  // Some at a time, or the nodes of the little network are what fails.
  for (let i = 0; i < STRANGERS; i += 20) {
    await Promise.all(Array.from({ length: 20 }, dial))
  }
  expect(met).toBeGreaterThan(STRANGERS * 0.9)
  return open
}

// A reader that has nothing yet can be called a moment after it began.
async function isReachable(dht: HyperDHT, peer: Buffer): Promise<void> {
  const connection = dht.connect(peer, { keyPair: HyperDHT.keyPair() })
  connection.on('error', () => undefined)
  const isOpen = await connection.opened
  connection.destroy()
  expect(isOpen).toBe(true)
}

/** Open files of this process; none where the system does not tell. */
function descriptors(): number {
  return existsSync('/proc/self/fd') ? readdirSync('/proc/self/fd').length : 0
}

/** A few are those of files that the store happens to have open. */
const MORE_DESCRIPTORS = 8

/** What the log of the victim says must be little, however many they are. */
const LINES_PER_STRANGER = 4

async function scene() {
  const bootstrap = await privateNetwork()
  const author = await openAuthor(bootstrap, { issues: 2 })
  const victim = await openVictim(bootstrap, author.link)
  await subscribe(victim, author.link)
  const core = coreOf(await feedOf(victim, author.feedKey))
  const authorKeys = core.peers.map((it) => it.remotePublicKey)
  const own = coreOf(await feedOf(author, author.feedKey))
  const key = await keyOf(bootstrap, author.feedKey, authorKeys)
  expect(own.peers.some((it) => it.remotePublicKey.equals(key))).toBe(true)
  return { bootstrap, author, victim, key }
}

/** The victim is connected to whom it was, has no more descriptors, and passes its newsletter on. */
async function expectWell(
  { bootstrap, author, victim }: Awaited<ReturnType<typeof scene>>,
  open: Set<Connection>,
  before: number,
): Promise<void> {
  for (const connection of open) connection.destroy()
  // A peer that does not answer any more is given up after some 17 seconds.
  const peers = async () => (await victim.operations.status({})).peers
  await eventually(async () => expect(await peers()).toBe(1), 60_000)
  await eventually(() => expect(descriptors()).toBeLessThanOrEqual(before + MORE_DESCRIPTORS))
  expect(victim.lines.length).toBeLessThanOrEqual(LINES_PER_STRANGER * STRANGERS)
  const { length } = await feedOf(author, author.feedKey)
  await author.engine.close()
  const copy = await copyPlainly(await plainPeer(bootstrap), author.feedKey, length)
  expect(copy.contiguousLength).toBe(length)
}

test('200 strangers who send garbage are survived', { timeout: 120_000 }, async () => {
  const all = await scene()
  const before = descriptors()
  const open = await strangers(all.bootstrap, all.key, (connection) => {
    for (let i = 0; i < 20; i++) connection.write(randomBytes(5_000))
  })
  await expectWell(all, open, before)
  expect(all.victim.lines).toEqual([])
})

test('200 strangers who say nothing are survived', { timeout: 120_000 }, async () => {
  const all = await scene()
  const before = descriptors()
  const open = await strangers(all.bootstrap, all.key, () => undefined)
  const { peers } = await all.victim.operations.status({})
  expect(peers).toBeGreaterThan(STRANGERS * 0.9)
  await expectWell(all, open, before)
  expect(all.victim.lines).toEqual([])
})

interface Asker {
  readonly wireRequest: { send(message: object): boolean }
}

test(
  '200 strangers who ask for blocks that do not exist are survived',
  { timeout: 120_000 },
  async () => {
    const all = await scene()
    const plain = await plainPeer(all.bootstrap)
    const core = await openPlainly(plain, all.author.feedKey)
    const before = descriptors()
    core.on('peer-add', (peer) => {
      const { wireRequest } = peer as unknown as Asker
      for (let i = 1; i <= 100; i++) {
        const block = { index: 1_000_000 + i, nodes: 0 }
        const nothing = { hash: null, seek: null, upgrade: null, manifest: false, priority: 0 }
        wireRequest.send({ peer: 0, id: i, fork: 0, block, ...nothing })
        wireRequest.send({ peer: 0, id: 1_000 + i, fork: 0, block: null, ...nothing, hash: block })
      }
    })
    const replicate = (connection: Connection, store: Corestore) => void store.replicate(connection)
    const open = await strangers(all.bootstrap, all.key, (it) => replicate(it, plain.store))
    await expectWell(all, open, before)
  },
)

test(
  '200 strangers who offer blocks with false proofs do not stop a sync',
  { timeout: 120_000 },
  async () => {
    const bootstrap = await privateNetwork()
    const author = await openAuthor(bootstrap, { issues: 30 })
    const { length } = await feedOf(author, author.feedKey)
    const liar = await plainPeer(bootstrap)
    const core = await copyPlainly(liar, author.feedKey, length)
    const { dataDir } = author.engine.config
    await liar.swarm.destroy({ force: true })
    tamper(core)
    await author.engine.close()

    const victim = await openVictim(bootstrap, author.link)
    const key = await keyOf(bootstrap, author.feedKey, [])
    const before = descriptors()
    const open = await strangers(bootstrap, key, (it) => void liar.store.replicate(it))
    const feed = await feedOf(victim, author.feedKey)
    await eventually(() => expect(open.size).toBe(0), 20_000)
    expect(coreOf(feed).contiguousLength).toBeLessThan(length)
    const config = configOf(dataDir, bootstrap)
    const again = await Engine.open({ config, logger: pino({ level: 'silent' }) })
    onTestFinished(() => again.close())
    await again.network()
    if (coreOf(feed).contiguousLength < length) await once(coreOf(feed), 'download')
    await eventually(() => expect(coreOf(feed).contiguousLength).toBe(length), 20_000)
    expect(victim.lines.length).toBeLessThanOrEqual(LINES_PER_STRANGER * STRANGERS)
    await again.close()
    await eventually(() => expect(descriptors()).toBeLessThanOrEqual(before + MORE_DESCRIPTORS))
  },
)
