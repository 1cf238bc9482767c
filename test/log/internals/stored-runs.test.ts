import { join } from 'node:path'
import type Hypercore from 'hypercore'
import { describe, expect, it } from 'vitest'
import { BlockTree } from '../../../src/format/bundle/tree.ts'
import type { Log, ProvenBlocks } from '../../../src/format/log.ts'
import { headOf } from '../../../src/log/internals/continuation.ts'
import { nativeCrypto } from '../../../src/log/keys.ts'
import { signingKeys } from '../../helpers/newsletters.ts'
import { fillDisk, NO_SMALL_DISK, smallDisk } from '../../helpers/small-disk.ts'
import {
  auditOf,
  connect,
  coreOf,
  logOf,
  openReplica,
  openStore,
  SOUND,
} from '../../helpers/stores.ts'

interface Written {
  readonly core: Hypercore
  readonly blocks: readonly Buffer[]
  readonly tree: BlockTree
}

const blockOf = (index: number) => Buffer.alloc((index * 577) % 2_000, `block ${index} `)

async function write(
  count: number,
  contentOf: (index: number) => Buffer = blockOf,
): Promise<Written> {
  const core = (await openStore()).get({ keyPair: signingKeys(3) })
  await core.ready()
  const blocks = Array.from({ length: count }, (_, i) => contentOf(i))
  await core.append(blocks)
  const tree = new BlockTree(nativeCrypto)
  for (const block of blocks) tree.addFrame({ block })
  return { core, blocks, tree }
}

/** A log that knows the length and none of the blocks. */
async function openBehind({ core, tree }: Written, directory?: string): Promise<Log> {
  const store = await openStore(directory)
  const copy = store.get({ key: core.key ?? '', allowFork: false })
  await copy.ready()
  const log = await logOf(copy)
  await extend(log, core, tree)
  return log
}

async function extend(log: Log, core: Hypercore, tree: BlockTree): Promise<void> {
  const from = await logOf(core)
  await log.extend({
    start: log.length,
    length: tree.length - log.length,
    nodes: tree.nodesBetween(log.length, tree.length),
    signature: headOf(from)?.signature ?? Buffer.alloc(0),
    publicKey: from.publicKey ?? Buffer.alloc(0),
  })
}

function part({ blocks, tree }: Written, start: number, end: number): ProvenBlocks {
  return { start, items: blocks.slice(start, end), nodeAt: (it) => tree.nodeAt(it) }
}

async function expectWhole(core: Hypercore, { core: from, blocks }: Written): Promise<void> {
  expect([core.length, core.contiguousLength]).toEqual([from.length, from.length])
  const { core: third, disconnect } = await openReplica(core)
  await third.download({ start: 0, end: blocks.length }).done()
  for (const [i, block] of blocks.entries()) expect(await third.get(i)).toEqual(block)
  disconnect()
  expect(await auditOf(core)).toEqual(SOUND)
}

describe('runs that are stored', () => {
  it('are what Hypercore would have stored, in whatever order and overlap, and are proved to plain peers', async () => {
    const written = await write(70)
    const log = await openBehind(written)
    const parts = [
      [40, 69],
      [69, 70],
      [3, 4],
      [0, 20],
      [60, 70],
      [10, 45],
    ] as const
    const added: number[] = []
    for (const [start, end] of parts) added.push(await log.store(part(written, start, end)))

    expect(added).toEqual([29, 1, 1, 19, 0, 20])
    await expectWhole(coreOf(log), written)
  })

  it('wake who waits for a block of theirs, end ranges, and tell peers', async () => {
    const written = await write(33)
    const log = await openBehind(written)
    const reading = log.read(17)
    const range = coreOf(log).download({ start: 16, end: 24 }).done()
    const disconnect = connect(
      coreOf(log),
      (await openStore()).get({ key: written.core.key ?? '' }),
    )
    await log.store(part(written, 16, 24))

    expect(Buffer.from(await reading)).toEqual(blockOf(17))
    expect(await range).toBe(true)
    disconnect()
  })

  it('store nothing where a block is not the one that was signed', async () => {
    const written = await write(40)
    const log = await openBehind(written)
    const wrong = written.blocks.with(12, Buffer.from('other'))
    const lie = part({ ...written, blocks: wrong }, 8, 16)

    await expect(log.store(lie)).rejects.toMatchObject({ code: 'INVALID_CHECKSUM' })
    expect(log.countHeld({ start: 0, end: 40 })).toBe(0)
    expect(await log.store(part(written, 8, 16))).toBe(8)
  })

  it('come beside an append, an upgrade, a drop and each other', async () => {
    const written = await write(64)
    const log = await openBehind(written)
    const longer = await write(71)
    await Promise.all([
      log.store(part(written, 0, 16)),
      extend(log, longer.core, longer.tree),
      log.store(part(written, 8, 32)),
      log.drop({ start: 2, end: 4 }),
      log.store(part(written, 40, 64)),
    ])
    await log.store(part(longer, 0, 71))

    await expectWhole(coreOf(log), longer)
  })

  it('are left out where the log is cut back or closed meanwhile', async () => {
    const written = await write(32)
    // It may sign, and so cut back.
    const log = await openBehind(written)
    const own = await logOf(written.core)
    await own.drop({ start: 16, end: 32 })
    const [, storing] = await Promise.allSettled([
      own.cutBack(8),
      own.store(part(written, 16, 32)).catch(() => 0),
    ])
    expect(storing).toEqual({ status: 'fulfilled', value: 0 })
    expect([own.length, await auditOf(written.core)]).toEqual([8, SOUND])

    const ends = Promise.allSettled([log.store(part(written, 0, 16)), log.close()])
    expect((await ends)[1].status).toBe('fulfilled')
  })

  const RUN_BLOCKS = 16

  it.skipIf(NO_SMALL_DISK !== undefined)('leave a full disk as it was', async () => {
    const written = await write(512, (i) => Buffer.alloc(10_000 + ((i * 577) % 9_000), i))
    const disk = await smallDisk(24)
    const log = await openBehind(written, join(disk, 'store'))
    expect(await log.store(part(written, 0, RUN_BLOCKS))).toBe(RUN_BLOCKS)
    await fillDisk(disk)
    const starts = Array.from({ length: 30 }, (_, i) => RUN_BLOCKS * (i + 1))
    const runs = starts.map((start) => log.store(part(written, start, start + RUN_BLOCKS)))
    const results = await Promise.allSettled(runs)

    expect(results.at(-1)).toMatchObject({ status: 'rejected', reason: { code: 'DISK_FULL' } })
    for (const [i, { status }] of results.entries()) {
      const range = { start: starts[i] ?? 0, end: (starts[i] ?? 0) + RUN_BLOCKS }
      expect(log.countHeld(range)).toBe(status === 'rejected' ? 0 : RUN_BLOCKS)
    }
    expect(log.contiguousLength).toBe(log.countHeld({ start: 0, end: 512 }))
  })
})
