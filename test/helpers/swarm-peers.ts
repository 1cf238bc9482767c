import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import Corestore from 'corestore'
import type Hypercore from 'hypercore'
import type { Peer as ReplicationPeer } from 'hypercore'
import HyperDHT from 'hyperdht'
import Hyperswarm, { type Connection } from 'hyperswarm'
import { onTestFinished, vi } from 'vitest'
import type { Address } from '../../src/config/config.ts'
import type { Output } from '../../src/api/contract/contract.ts'
import { parseFeedKey } from '../../src/format/keys/feed-key.ts'
import type { Feed } from '../../src/format/feed.ts'
import { all } from './operations.ts'
import type { Peer } from './peers.ts'
import { temporaryDirectory } from './temporary-directory.ts'

/** The handshake payload of a peer that can be reached directly. */
export const PAYLOAD = {
  error: 0,
  firewall: 1,
  holepunch: null,
  addresses4: [],
  addresses6: [],
  udx: { reusableSocket: false, id: 1, seq: 0 },
  secretStream: {},
}

/** Longest wait for what takes milliseconds on an idle machine. */
export const DEADLINE_MS = 10_000

/** Waits for something that no event announces. @throws what `check` threw last */
export function eventually<T>(check: () => T | Promise<T>, timeoutMs = DEADLINE_MS): Promise<T> {
  return vi.waitFor(check, { timeout: timeoutMs, interval: 10 })
}

/** `host:port` of one bootstrap node, for another process. */
export function addressOf([first]: readonly Address[]): string {
  return `${first?.host}:${first?.port}`
}

/** Follows a link until everything is held. */
export async function subscribe({ operations }: Peer, link: string): Promise<void> {
  await all(operations.subscribe({ link, timeoutSeconds: DEADLINE_MS / 1_000 }))
}

/** Follows a link without waiting for anybody. */
export async function subscribeSoon({ operations }: Peer, link: string): Promise<void> {
  await all(operations.subscribe({ link, wait: false }))
}

/** How one newsletter stands with one peer. */
export async function standing(
  { operations }: Peer,
  feedKey: string,
): Promise<Output<'status'>['newsletters'][number]> {
  const { newsletters } = await operations.status({})
  const found = newsletters.find((it) => it.feedKey === feedKey)
  if (found === undefined) throw new Error('It is not in the library.')
  return found
}

/** The open feed of a newsletter in the library. */
export async function feedOf({ engine }: Peer, feedKey: string): Promise<Feed> {
  return (await engine.open(engine.library.resolve(feedKey))).feed
}

/** A folder with one image that no compression makes smaller. */
export async function folderWithImage(
  name: string,
  sizeBytes: number,
): Promise<{ folder: string; bytes: Buffer }> {
  const folder = await temporaryDirectory()
  const bytes = randomBytes(sizeBytes)
  await writeFile(join(folder, name), bytes)
  return { folder, bytes }
}

/** A peer without any of this project's code: a plain store and a plain swarm. */
export interface PlainPeer {
  readonly store: Corestore
  readonly swarm: Hyperswarm
}

/** Called before anything is sent on a connection. */
export type OnConnection = (connection: Connection, store: Corestore) => void

const replicateStore: OnConnection = (connection, store) => {
  store.replicate(connection)
}

/** Ends with the running test. Replicates its store on each connection unless told otherwise. */
export async function plainPeer(
  bootstrap: readonly Address[],
  onConnection: OnConnection = replicateStore,
): Promise<PlainPeer> {
  const store = new Corestore(await temporaryDirectory())
  await store.ready()
  const dht = new HyperDHT({ bootstrap, host: '127.0.0.1', firewalled: false })
  const swarm = new Hyperswarm({ dht })
  swarm.on('connection', (connection) => {
    connection.on('error', () => undefined)
    onConnection(connection, store)
  })
  onTestFinished(async () => {
    await swarm.destroy({ force: true })
    await store.close()
  })
  return { store, swarm }
}

/** Opens a feed on a plain peer. */
export async function openPlainly({ store }: PlainPeer, feedKey: string): Promise<Hypercore> {
  const core = store.get({ key: parseFeedKey(feedKey) })
  await core.ready()
  return core
}

/** Announces a core and waits until the announcement is out. */
export async function announce({ swarm }: PlainPeer, { discoveryKey }: Hypercore): Promise<void> {
  if (discoveryKey === null) throw new Error('The core is not ready.')
  await swarm.join(discoveryKey).flushed()
}

/** Opens a feed on a plain peer and waits until it holds `length` blocks. */
export async function copyPlainly(
  peer: PlainPeer,
  feedKey: string,
  length: number,
): Promise<Hypercore> {
  const core = await openPlainly(peer, feedKey)
  core.download({ start: 0, end: -1 })
  await announce(peer, core)
  await eventually(() => {
    if (core.contiguousLength < length) throw new Error(`It holds ${core.contiguousLength} blocks.`)
  })
  return core
}

/** Makes a peer flip a bit in every block that it serves. */
export function tamper(core: Hypercore): void {
  core.on('peer-add', (peer: ReplicationPeer) => {
    const { wireData } = peer as unknown as {
      wireData: { send(message: { block: { value: Buffer } | null }): boolean }
    }
    const send = wireData.send.bind(wireData)
    wireData.send = (message) => {
      if (message.block === null) return send(message)
      const value = Buffer.from(message.block.value)
      value[0] = (value[0] ?? 0) ^ 1
      return send({ ...message, block: { ...message.block, value } })
    }
  })
}
