import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import Corestore from 'corestore'
import type Hypercore from 'hypercore'
import { expect, onTestFinished, test } from 'vitest'
import { appendSigned, headOf, judge } from '../../../src/log/internals/continuation.ts'
import type { PeerInternals } from '../../../src/log/internals/internals.ts'
import {
  HYPERCORE_VERSION,
  hypercoreVersion,
  KNOWN_VERSION,
  USES_INTERNALS,
} from '../../../src/log/internals/version.ts'
import { peerOf } from '../../../src/log/hypercore-peer.ts'
import { Replication } from '../../../src/log/internals/replication.ts'
import { dropBlocks } from '../../../src/log/internals/stored-blocks.ts'
import { KnownNodes } from '../../../src/log/internals/known-nodes.ts'
import type { RunSource } from '../../../src/replication/ranges/run-taker.ts'
import { LogScheduling } from '../../../src/replication/scheduler/log-scheduling.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'
import { eventually } from '../../helpers/swarm-peers.ts'
import { logOf } from '../../helpers/stores.ts'

const BLOCKS = 40

const NO_RUNS: RunSource = {
  speaks: () => false,
  ask: () => -1,
  cancel: () => undefined,
  begin: () => undefined,
}

/** A core with blocks, and one that replicates it from there, prepared before they meet. */
async function pair(
  prepare: (to: Hypercore) => void | Promise<void> = () => undefined,
): Promise<{ from: Hypercore; to: Hypercore }> {
  const stores = [
    new Corestore(await temporaryDirectory()),
    new Corestore(await temporaryDirectory()),
  ]
  const [ours, theirs] = stores as [Corestore, Corestore]
  onTestFinished(async () => {
    for (const store of stores) await store.close()
  })
  const from = ours.get({ name: 'feed' })
  await from.ready()
  await from.append(Array.from({ length: BLOCKS }, () => randomBytes(1_000)))
  const to = theirs.get({ key: from.key ?? '' })
  await to.ready()
  await prepare(to)
  const stream = ours.replicate(true) as unknown as NodeJS.ReadWriteStream
  stream.pipe(theirs.replicate(false) as unknown as NodeJS.ReadWriteStream).pipe(stream)
  await eventually(() => expect(to.length).toBe(BLOCKS))
  return { from, to }
}

function onlyPeer(core: Hypercore): PeerInternals {
  const [peer] = new Replication(core).peers
  if (peer === undefined) throw new Error('No peer is there.')
  return peer
}

test('the installed Hypercore is the version whose internals are known', () => {
  expect(HYPERCORE_VERSION).toBe(KNOWN_VERSION)
})

test('the version is that of the Hypercore that Corestore loads, whatever else is installed', async () => {
  const project = await temporaryDirectory()
  const install = async (folder: string, version: string) => {
    await mkdir(join(project, folder), { recursive: true })
    await writeFile(join(project, folder, 'package.json'), JSON.stringify({ version }))
    await writeFile(join(project, folder, 'index.js'), '')
  }
  await install('node_modules/hypercore', KNOWN_VERSION)
  await install('node_modules/corestore', '7.99.0')
  await install('node_modules/corestore/node_modules/hypercore', '11.99.0')
  expect(hypercoreVersion(join(project, 'index.js'))).toBe('11.99.0')
})

test('a peer has the methods that are used of it, on its class', async () => {
  const { to } = await pair()
  const peer = onlyPeer(to)

  const names = [
    'getMaxInflight',
    'getMaxHotswapInflight',
    '_requestRange',
    '_requestRangeBatch',
    '_requestRangeBlock',
    '_requestBlock',
    '_canRequest',
    'onsync',
    '_checkIfConflict',
    '_send',
    'onrange',
    '_update',
    'broadcastRange',
    '_clearLocalRange',
  ] as const
  for (const name of names) {
    expect(Object.hasOwn(peer, name)).toBe(false)
    expect(peer[name]).toBeTypeOf('function')
  }
  expect(names.map((name) => peer[name].length)).toEqual([0, 0, 1, 3, 2, 1, 2, 1, 0, 1, 1, 0, 3, 2])
  expect(peer.getMaxInflight()).toBeGreaterThan(0)
  for (const it of [peer.remoteBitfield, peer.missingBlocks]) expect(it).toHaveProperty('set')
  expect(peer.stats.wireRange.rx).toBe(1)
})

test('missing blocks are those of ranges: of finite ones first, each from its end', async () => {
  const { to } = await pair()
  const replication = new Replication(to)
  // Nothing is asked for while the peer is given no chance.
  onlyPeer(to)._requestRangeBatch = () => false

  expect(replication.missing(10)).toEqual([])
  to.download({ start: 20, end: -1 })
  to.download({ start: 3, end: 6 })

  await eventually(() => expect(replication.missing(5)).toEqual([5, 4, 3, 39, 38]))
  expect([2, 3, 5, 6, 20, 39, 40].map((index) => replication.isMissing(index))).toEqual([
    false,
    true,
    true,
    false,
    true,
    true,
    false,
  ])
})

test('each range is heard of once, before anything of it is asked for', async () => {
  const underWay: number[] = []
  const { to } = await pair()
  const unwatch = new Replication(to).watchRanges(() => underWay.push(onlyPeer(to).inflight))

  const ranges = [0, 10, 20, 30].map((start) => to.download({ start, end: start + 10 }))
  await Promise.all(ranges.map((it) => it.done()))
  expect(underWay).toHaveLength(4)
  expect(underWay[0]).toBe(0)

  unwatch()
  await to.download({ start: 0, end: BLOCKS }).done()
  expect(underWay).toHaveLength(4)
})

test('one peer is asked for one block, which is then under way, and arrives', async () => {
  const { to } = await pair()
  const replication = new Replication(to)
  const peer = onlyPeer(to)
  peer._requestRangeBatch = () => false
  to.download({ start: 0, end: -1 })
  await eventually(() => expect(replication.missing(1)).toEqual([39]))

  expect(replication.holds(peerOf(peer), 7)).toBe(true)
  expect(replication.holdsAll(peerOf(peer))).toBe(true)
  expect(replication.ask(peerOf(peer), 7, false)).toBe(true)
  expect(replication.asked(7).map((it) => it.peer)).toEqual([peerOf(peer)])
  // Nobody asks for it twice, unless told to.
  expect(replication.ask(peerOf(peer), 7, false)).toBe(false)

  await eventually(async () => expect(await to.has(7)).toBe(true))
  expect(replication.isMissing(7)).toBe(false)
  expect(await to.has(8)).toBe(false)
})

test.runIf(USES_INTERNALS)(
  'what is scheduled arrives whole, and a peer that is given back is an ordinary one',
  async () => {
    const { to } = await pair()
    const scheduling = LogScheduling.of(await logOf(to), NO_RUNS)
    expect(Object.hasOwn(onlyPeer(to), '_requestRangeBatch')).toBe(true)

    to.download({ start: 0, end: 30 })
    await eventually(() => expect(to.contiguousLength).toBe(30))

    scheduling?.close()
    expect(Object.hasOwn(onlyPeer(to), '_requestRangeBatch')).toBe(false)
    await to.download({ start: 30, end: BLOCKS }).done()
    expect(to.contiguousLength).toBe(BLOCKS)
  },
)

test('a store that is closed while a length arrives ends nothing', async () => {
  const { to } = await pair()
  const { core } = to as unknown as {
    core: {
      storage: { read(): object }
      replicator: { _resolveBlocksLocally(): Promise<void> }
    }
  }
  await logOf(to)

  core.storage.read = () => {
    throw new Error('RocksDB session is closed')
  }
  await expect(core.replicator._resolveBlocksLocally()).resolves.toBeUndefined()
  core.storage.read = () => {
    throw new Error('The disk is on fire.')
  }
  await expect(core.replicator._resolveBlocksLocally()).rejects.toThrow('on fire')
  delete (core.storage as Partial<typeof core.storage>).read
})

test.runIf(USES_INTERNALS)(
  'the last block comes with the length of the log, in one round trip',
  async () => {
    const held: Promise<boolean>[] = []
    const { to } = await pair(async (core) => {
      const scheduling = LogScheduling.of(await logOf(core), NO_RUNS)
      onTestFinished(() => scheduling?.close())
      core.once('append', () => held.push(core.has(BLOCKS - 1)))
    })

    expect(await Promise.all(held)).toEqual([true])
    expect(onlyPeer(to).stats.wireRequest.tx).toBe(1)
  },
)

test.runIf(USES_INTERNALS)(
  'what the author signed elsewhere is appended in one write, once, and only where the log ends',
  async () => {
    const { from, to } = await pair()
    const peer = onlyPeer(to)
    // What follows comes by no other way.
    const { core } = to as unknown as { core: { replicator: { setPushOnly(isOn: boolean): void } } }
    core.replicator.setPushOnly(true)
    await from.append(['a', 'b'])
    const { signature } = headOf(await logOf(from)) ?? { signature: Buffer.alloc(0) }
    const blocks = [Buffer.from('a'), Buffer.from('b')]
    const continuation = { from: BLOCKS, blocks, signature }
    let appends = 0
    to.on('append', () => appends++)

    expect(judge(await logOf(to), continuation)).toBe('signed')
    expect(judge(await logOf(to), { ...continuation, blocks: blocks.toReversed() })).toBe('forged')
    expect(judge(await logOf(to), { ...continuation, signature: Buffer.of(1) })).toBe('forged')
    expect(judge(await logOf(to), { ...continuation, from: BLOCKS - 1 })).toBe('elsewhere')
    expect(to.length).toBe(BLOCKS)
    const stored = await Promise.all([
      appendSigned(await logOf(to), continuation, peerOf(peer)),
      appendSigned(await logOf(to), continuation, peerOf(peer)),
    ])

    expect(stored).toEqual([true, false])
    expect(appends).toBe(1)
    expect([to.length, String(await to.get(BLOCKS + 1))]).toEqual([BLOCKS + 2, 'b'])
    expect(headOf(await logOf(to))).toEqual(headOf(await logOf(from)))
  },
)

test('which blocks a peer announced is known of many at once as of each', async () => {
  const { from, to } = await pair()
  const replication = new Replication(to)
  const peer = onlyPeer(to)
  const all = Array.from({ length: BLOCKS + 2 }, (_, index) => index)
  const each = () => [...replication.holdsEach(peerOf(peer), all)]
  const oneByOne = () => all.map((index) => Number(replication.holds(peerOf(peer), index)))

  await eventually(() => expect(replication.holds(peerOf(peer), BLOCKS - 1)).toBe(true))
  expect(each()).toEqual(oneByOne())

  await from.clear(3, 9)
  await eventually(() => expect(replication.holds(peerOf(peer), 3)).toBe(false))
  expect(each()).toEqual(oneByOne())
  expect(each()).toContain(1)

  // Far behind the first page of the bitfield, and around the end of a word.
  for (const index of [31, 32, 63, 40_000])
    (peer.remoteBitfield as unknown as { set(at: number, to: boolean): void }).set(index, true)
  const far = [40_000, 31, 32, 33, 63, 64, 40_001]
  expect([...replication.holdsEach(peerOf(peer), far)]).toEqual(
    far.map((index) => Number(replication.holds(peerOf(peer), index))),
  )
})

test('an announcement is news unless it is of one block that is here or asked for', async () => {
  const { to } = await pair()
  const replication = new Replication(to)
  const peer = onlyPeer(to)
  await to.get(4)
  peer._requestRangeBatch = () => false
  to.download({ start: 0, end: -1 })
  await eventually(() => expect(replication.missing(1)).toEqual([39]))
  replication.ask(peerOf(peer), 7, false)

  const isNews = (start: number, length = 1, drop = false) =>
    replication.isNews({ drop, start, length })
  expect([4, 7, 8].map((start) => isNews(start))).toEqual([false, false, true])
  expect([isNews(4, 2), isNews(4, 1, true), isNews(0)]).toEqual([true, true, true])
})

test('how many hashes a block lacks is known as Hypercore finds it in the store', async () => {
  const { to } = await pair()
  onlyPeer(to)._requestRangeBatch = () => false
  const hashes = new KnownNodes()
  to.on('download', (index, _, __, request) => {
    hashes.noteStored(index, (request as { block: { nodes: number } }).block.nodes)
  })
  const missing = Array.from({ length: BLOCKS - 1 }, (_, index) => index)

  for (const index of [20, 3, 21, 38, 0, 7, 36, 30, 15]) {
    await to.get(index)
    missing.splice(missing.indexOf(index), 1)
    const found = await Promise.all(missing.map((it) => to.missingNodes(it)))
    expect(missing.map((it) => hashes.missingHeights(it, BLOCKS))).toEqual(found)
  }
})

test('of a core whose hashes are unknown, those up to a root are asked for', () => {
  const hashes = new KnownNodes()
  // The roots stand over 0 to 31 and 32 to 39.
  expect([0, 31, 32, 39].map((it) => hashes.missingHeights(it, 40))).toEqual([5, 5, 3, 3])
  expect(hashes.missingHeights(40, 41)).toBe(0)

  hashes.noteStored(33, 3)
  expect([32, 33, 34, 35, 36, 40].map((it) => hashes.missingHeights(it, 41))).toEqual([
    0, 0, 1, 1, 2, 0,
  ])
  hashes.forget()
  expect(hashes.missingHeights(32, 41)).toBe(3)
})

test('blocks that were dropped, and hashes with them, arrive again', async () => {
  const { to } = await pair()
  const scheduling = LogScheduling.of(await logOf(to), NO_RUNS)
  await to.download({ start: 0, end: BLOCKS }).done()

  for (const [start, end] of [
    [5, 6],
    [8, 17],
    [0, BLOCKS],
  ] as const) {
    await to.clear(start, end)
    expect(await to.has(start)).toBe(false)
    await to.download({ start, end }).done()
    expect(to.contiguousLength).toBe(BLOCKS)
  }
  scheduling?.close()
})

test('what keeps hashes when it drops blocks does so while they are scheduled', async () => {
  const { to } = await pair()
  const scheduling = LogScheduling.of(await logOf(to), NO_RUNS)
  await to.download({ start: 0, end: BLOCKS }).done()

  await dropBlocks(to, { start: 1, end: 4 })

  expect(await to.has(1)).toBe(false)
  expect(await Promise.all([0, 1, 2, 3].map((index) => to.missingNodes(index)))).toEqual([
    0, 0, 0, 0,
  ])
  scheduling?.close()
})
