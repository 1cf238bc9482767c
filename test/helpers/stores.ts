import { once } from 'node:events'
import { join } from 'node:path'
import Corestore, { type CoreOptions, type CorestoreOptions } from 'corestore'
import type Hypercore from 'hypercore'
import { onTestFinished } from 'vitest'
import { Feed } from '../../src/format/feed.ts'
import type { Log } from '../../src/format/log.ts'
import { HypercoreLog, hypercoreOf } from '../../src/log/hypercore-log.ts'
import { temporaryDirectory } from './temporary-directory.ts'

/** A Corestore in `directory`, or in a temporary one; it closes when the running test ends. */
export async function openStore(
  directory?: string,
  options: CorestoreOptions = {},
): Promise<Corestore> {
  const store = new Corestore(directory ?? join(await temporaryDirectory(), 'store'), options)
  onTestFinished(() => store.close())
  await store.ready()
  return store
}

/** A core as another device sees it. */
export interface Replica {
  readonly core: Hypercore
  /** The blocks that have not been read by then can no longer be had. */
  readonly disconnect: () => void
}

/** A copy of `core` in a store of its own, connected: its length is known, its blocks come when read. */
export async function openReplica(core: Hypercore, options: CoreOptions = {}): Promise<Replica> {
  if (core.key === null) throw new Error('The core is not ready.')
  const store = await openStore()
  const replica = store.get({ allowFork: false, ...options, key: core.key })
  await replica.ready()
  const disconnect = connect(core, replica)
  while (replica.length < core.length) await once(replica, 'append')
  return { core: replica, disconnect }
}

/** Joins two cores or stores as a connection would, until the running test or the returned function ends it. */
export function connect(a: Corestore | Hypercore, b: Corestore | Hypercore): () => void {
  const one = a.replicate(true)
  const other = b.replicate(false)
  for (const stream of [one, other]) stream.on('error', () => undefined)
  one.pipe(other).pipe(one)
  const disconnect = () => {
    one.destroy()
    other.destroy()
  }
  onTestFinished(disconnect)
  return disconnect
}

const logs = new WeakMap<Hypercore, Promise<HypercoreLog>>()

/** The log that a core is, always the same one. */
export function logOf(core: Hypercore): Promise<HypercoreLog> {
  const log = logs.get(core) ?? HypercoreLog.open(core)
  logs.set(core, log)
  return log
}

/** A feed that is read from a core. */
export async function openFeed(core: Hypercore): Promise<Feed> {
  return new Feed(await logOf(core))
}

/** The core behind a feed, or behind a log. */
export function coreOf(of: Feed | Log): Hypercore {
  return hypercoreOf(of instanceof Feed ? of.log : of)
}

/** What `auditOf` gives of a core that needs no mending. */
export const SOUND = { droppedTreeNodes: 0, droppedBlocks: 0, droppedBits: 0, corrupt: false }

/** What Hypercore would have to mend. */
export async function auditOf(of: Hypercore): Promise<object> {
  const { core } = of as unknown as {
    core: { audit(options: { dryRun: boolean }): Promise<typeof SOUND> }
  }
  const { droppedTreeNodes, droppedBlocks, droppedBits, corrupt } = await core.audit({
    dryRun: true,
  })
  return { droppedTreeNodes, droppedBlocks, droppedBits, corrupt }
}
