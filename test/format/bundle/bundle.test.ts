import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import type Hypercore from 'hypercore'
import { describe, expect, it } from 'vitest'
import { takeBundle } from '../../../src/format/bundle/take.ts'
import { verifyBundle } from '../../../src/format/bundle/verify.ts'
import { writeBundle } from '../../../src/format/bundle/write.ts'
import { expectCode } from '../../helpers/errors.ts'
import { bundleOf, piecesOf, take, verify } from '../../helpers/bundles.ts'
import { all } from '../../helpers/operations.ts'
import { connect, logOf, openReplica, openStore } from '../../helpers/stores.ts'
import { LogBuilder } from '../../helpers/log-builder.ts'
import { signingKeys } from '../../helpers/newsletters.ts'

interface CoreOptions {
  readonly blocks: number
  readonly seed?: number
  readonly encryptionKey?: Buffer
}

/** A core of the given number of blocks of various sizes. */
async function openCore({ blocks, seed = 1, encryptionKey }: CoreOptions): Promise<Hypercore> {
  const store = await openStore()
  const encryption = encryptionKey === undefined ? {} : { encryption: { key: encryptionKey } }
  const core = store.get({ keyPair: signingKeys(seed), ...encryption })
  await core.ready()
  if (blocks > 0) await core.append(Array.from({ length: blocks }, (_, i) => blockOf(i, seed)))
  return core
}

function blockOf(index: number, seed = 1): Buffer {
  return Buffer.alloc(1 + ((index * 977) % 3_000), `block ${index} of ${seed} `)
}

/** The same log on another device, where nothing is held yet. */
async function openEmpty(core: Hypercore, options: object = {}): Promise<Hypercore> {
  const store = await openStore()
  const empty = store.get({ key: keyOf(core), allowFork: false, ...options })
  await empty.ready()
  return empty
}

function keyOf(core: Hypercore): Buffer {
  if (core.key === null) throw new Error('The core is not ready.')
  return core.key
}

async function rawBlocks(core: Hypercore): Promise<Buffer[]> {
  const reads = Array.from({ length: core.length }, (_, i) =>
    core.get(i, { raw: true, wait: false }),
  )
  return (await Promise.all(reads)).filter((it) => it !== null)
}

async function expectSame(copy: Hypercore, core: Hypercore): Promise<void> {
  expect(copy.length).toBe(core.length)
  expect(copy.contiguousLength).toBe(core.length)
  expect(await copy.treeHash()).toEqual(await core.treeHash())
  expect(Buffer.concat(await rawBlocks(copy)).equals(Buffer.concat(await rawBlocks(core)))).toBe(
    true,
  )
}

describe('a bundle', () => {
  it.each([1, 2, 3, 7, 8, 13, 64, 65, 200])('carries a log of %i blocks', async (blocks) => {
    const core = await openCore({ blocks })
    const copy = await openEmpty(core)
    const { header, added } = await take(copy, await bundleOf(core))
    expect(header).toMatchObject({ feedKey: core.id, length: blocks, blocks })
    expect(added).toBe(blocks)
    await expectSame(copy, core)
  })

  it('is the same every time, also when a reader makes it', async () => {
    const core = await openCore({ blocks: 21 })
    const copy = await openEmpty(core)
    const bundle = await bundleOf(core)
    await take(copy, bundle)
    expect((await bundleOf(core)).equals(bundle)).toBe(true)
    expect((await bundleOf(copy)).equals(bundle)).toBe(true)
  })

  it('costs 4 bytes a block and a head of 163', async () => {
    const core = await openCore({ blocks: 40 })
    expect((await bundleOf(core)).byteLength).toBe(163 + 40 * 4 + core.byteLength)
  })

  it('is read in pieces of any size', async () => {
    const core = await openCore({ blocks: 9 })
    const bundle = await bundleOf(core)
    for (const pieceBytes of [1, 7, 163, bundle.byteLength]) {
      expect((await verify(bundle, pieceBytes)).tree.length).toBe(9)
    }
  })

  it('goes on to a third peer from the one that took it', async () => {
    const core = await openCore({ blocks: 33 })
    const bundle = await bundleOf(core)
    const copy = await openEmpty(core)
    await take(copy, bundle)
    const third = await openReplica(copy)
    await third.core.download({ start: 0, end: 33 }).done()
    await expectSame(third.core, core)
  })

  it('carries a private log without its key', async () => {
    const encryptionKey = Buffer.alloc(32, 7)
    const core = await openCore({ blocks: 12, encryptionKey })
    const bundle = await bundleOf(core)
    expect(bundle.includes('block')).toBe(false)
    const blind = await openEmpty(core)
    await take(blind, bundle)
    expect((await bundleOf(blind)).equals(bundle)).toBe(true)
    const reader = await openEmpty(core, { encryption: { key: encryptionKey } })
    await take(reader, bundle)
    expect(await reader.get(11)).toEqual(blockOf(11))
  })

  it('carries blocks of any size', async () => {
    const core = await openCore({ blocks: 1 })
    const sizes = [0, 1, 65_544, 3 * 1024 * 1024, 0, 200_000]
    await core.append(sizes.map((sizeBytes) => Buffer.alloc(sizeBytes, sizeBytes)))
    const copy = await openEmpty(core)
    const bundle = await bundleOf(core)
    expect((await take(copy, bundle)).added).toBe(7)
    await expectSame(copy, core)
    expect((await bundleOf(copy)).equals(bundle)).toBe(true)
  })

  it('is never in memory as a whole', async () => {
    const core = await openCore({ blocks: 0 })
    const blockBytes = 64 * 1024
    await core.append(Array.from({ length: 200 }, (_, i) => Buffer.alloc(blockBytes, i)))
    let written = 0
    let read = 0
    const ahead: number[] = []
    async function* source() {
      for await (const piece of writeBundle(await logOf(core))) {
        written += piece.byteLength
        yield piece
      }
    }
    const reads = new Set<number>()
    const get = core.get.bind(core)
    core.get = (index, options) => {
      reads.add(index)
      return get(index, options)
    }
    for await (const blocks of verifyBundle(source())) {
      read = blocks * blockBytes
      ahead.push(reads.size * blockBytes - read)
      expect(written).toBeLessThanOrEqual(read + 3 * blockBytes)
    }
    expect(Math.max(...ahead)).toBeLessThanOrEqual(2 * 1024 * 1024)
  })

  it('fits any log that holds some of the blocks already', async () => {
    const sizes = fc.integer({ min: 1, max: 40 })
    await fc.assert(
      fc.asyncProperty(sizes, sizes, fc.infiniteStream(fc.boolean()), async (a, b, coins) => {
        const core = await openCore({ blocks: Math.min(a, b) })
        const { core: copy, disconnect } = await openReplica(core)
        for (let i = 0; i < core.length; i++) if (coins.next().value === true) await copy.get(i)
        disconnect()
        for (let i = core.length; i < Math.max(a, b); i++) await core.append(blockOf(i))
        await take(copy, await bundleOf(core))
        await expectSame(copy, core)
      }),
      { numRuns: 12 },
    )
  })

  it('takes nothing from a log that is longer', async () => {
    const core = await openCore({ blocks: 10 })
    const bundle = await bundleOf(core)
    await core.append([blockOf(10), blockOf(11), blockOf(12)])
    const { core: copy, disconnect } = await openReplica(core)
    await copy.download({ start: 0, end: 13 }).done()
    disconnect()
    expect((await take(copy, bundle)).added).toBe(0)
    await expectSame(copy, core)
  })

  it('fills what fits into a log that is longer and has gaps', async () => {
    const core = await openCore({ blocks: 5 })
    const bundle = await bundleOf(core)
    await core.append(Array.from({ length: 20 }, (_, i) => blockOf(5 + i)))
    const { core: copy, disconnect } = await openReplica(core)
    disconnect()
    expect((await take(copy, bundle)).added).toBe(0)
    connect(core, copy)
    await copy.get(5)
    expect((await take(copy, bundle)).added).toBe(5)
  })

  it('gives an author who lost the disk the whole log, to go on from', async () => {
    const core = await openCore({ blocks: 6 })
    const bundle = await bundleOf(core)
    const restored = await openCore({ blocks: 0 })
    expect(restored.key).toEqual(core.key)
    await take(restored, bundle)
    await expectSame(restored, core)
    await restored.append(blockOf(6))
    await core.append(blockOf(6))
    await expectSame(restored, core)
  })

  it('brings a stale copy of the author up to date', async () => {
    const stale = await openCore({ blocks: 3 })
    const core = await openCore({ blocks: 9 })
    expect((await take(stale, await bundleOf(core))).added).toBe(6)
    await expectSame(stale, core)
  })

  it('tells how many blocks are missing to make it', async () => {
    const core = await openCore({ blocks: 8 })
    const { core: copy, disconnect } = await openReplica(core)
    await copy.get(2)
    disconnect()
    const error = await expectCode(bundleOf(copy), 'NOT_AVAILABLE')
    expect(error.message).toContain('7 blocks')
    await expectCode(bundleOf(await openEmpty(core)), 'NOT_AVAILABLE')
  })

  it('is made of the log as it was at the start when the author goes on meanwhile', async () => {
    const core = await openCore({ blocks: 70 })
    const bundle = await bundleOf(core)
    const pieces: Uint8Array[] = []
    for await (const piece of writeBundle(await logOf(core))) {
      if (pieces.length === 0) await core.append(blockOf(70))
      pieces.push(piece)
    }
    expect(Buffer.concat(pieces).equals(bundle)).toBe(true)
  })
})

describe('a part of a log in a bundle', () => {
  const carried = [
    { start: 0, end: 1 },
    { start: 4, end: 5 },
    { start: 14, end: 20 },
  ]

  it.each([0, 1, 4, 9, 14, 17, 20])(
    'fits a reader who has %i blocks, and can be passed on',
    async (held) => {
      const core = await openCore({ blocks: held })
      const copy = await openEmpty(core)
      if (held > 0) await take(copy, await bundleOf(core))
      for (let i = held; i < 20; i++) await core.append(blockOf(i))
      const bundle = await bundleOf(core, carried)
      const { header } = await take(copy, bundle)
      expect(header).toMatchObject({ length: 20, blocks: 8 })
      for (let i = 0; i < 20; i++) {
        const isHere = i < held || i < 1 || i === 4 || i >= 14
        expect(await copy.has(i), `block ${i}`).toBe(isHere)
      }
      expect((await bundleOf(copy, carried)).equals(bundle)).toBe(true)
      connect(core, copy)
      await copy.download({ start: 0, end: 20 }).done()
      await expectSame(copy, core)
    },
  )
})

describe('a bundle of another history', () => {
  /** Two logs that are the same up to block 4 and signed by one key. */
  async function forked() {
    const honest = await openCore({ blocks: 8 })
    const forger = await openCore({ blocks: 4 })
    for (let i = 4; i < 8; i++) await forger.append(blockOf(i, 2))
    return { honest, forger }
  }

  it('changes nothing, whichever is longer', async () => {
    const { honest, forger } = await forked()
    const copy = await openEmpty(honest)
    await take(copy, await bundleOf(honest))
    await expectCode(
      bundleOf(forger).then((it) => take(copy, it)),
      'FEED_CONFLICT',
    )
    await forger.append(blockOf(8, 2))
    await expectCode(
      bundleOf(forger).then((it) => take(copy, it)),
      'FEED_CONFLICT',
    )
    await expectSame(copy, honest)
    await honest.append([blockOf(8), blockOf(9), blockOf(10)])
    await take(copy, await bundleOf(honest))
    await expectCode(
      bundleOf(forger).then((it) => take(copy, it)),
      'FEED_CONFLICT',
    )
    await expectSame(copy, honest)
  })
})

describe('a bundle that was tampered with', () => {
  async function sample() {
    const log = new LogBuilder(await openCore({ blocks: 0 }))
    await log.newsletter()
    for (let i = 0; i < 6; i++) await log.issue({}, 'Low water at noon. '.repeat(i * 40 + 1))
    const ranges = [
      { start: 0, end: 1 },
      { start: 7, end: log.core.length },
    ]
    return {
      core: log.core,
      whole: await bundleOf(log.core),
      part: await bundleOf(log.core, ranges),
    }
  }

  it('is refused wherever it was cut', async () => {
    const { whole, part } = await sample()
    for (const bundle of [whole, part]) {
      for (let percent = 0; percent < 100; percent++) {
        const cut = bundle.subarray(0, Math.floor((bundle.byteLength * percent) / 100))
        await expectCode(verify(cut), 'INVALID_BUNDLE')
      }
      await expectCode(verify(bundle.subarray(0, -1)), 'INVALID_BUNDLE')
    }
  })

  it('is refused whichever single bit was flipped', async () => {
    const { whole, part } = await sample()
    // Every bit of the head and the first frame's, and 500 of the rest.
    const head = Array.from({ length: 170 * 8 }, (_, i) => i)
    for (const [bundle, bits] of [[whole, head] as const, [part, []] as const]) {
      const random = randomBytes(500 * 4)
      const places = Array.from(
        { length: 500 },
        (_, i) => random.readUInt32LE(i * 4) % (bundle.byteLength * 8),
      )
      for (const bit of [...bits, ...places]) {
        const flipped = Buffer.from(bundle)
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        await expectCode(verify(flipped), 'INVALID_BUNDLE')
      }
    }
  })

  it('is refused with something behind it', async () => {
    const { whole } = await sample()
    await expectCode(verify(Buffer.concat([whole, Buffer.alloc(1)])), 'INVALID_BUNDLE')
  })

  it('is refused with the key of another newsletter', async () => {
    const { whole } = await sample()
    const other = await bundleOf(await openCore({ blocks: 1, seed: 2 }))
    // Feed key, then signing key, behind the mark and the version.
    for (const [start, end] of [
      [19, 51],
      [51, 83],
      [19, 83],
    ] as const) {
      const mixed = Buffer.from(whole)
      other.copy(mixed, start, start, end)
      await expectCode(verify(mixed), 'INVALID_BUNDLE')
    }
  })

  it('is refused for what it claims, before anything is allocated for it', async () => {
    const { whole } = await sample()
    for (const claim of [0n, 2n ** 20n, 2n ** 20n + 1n, 2n ** 40n, 2n ** 64n - 1n]) {
      for (const offset of [83, 91]) {
        const claimed = Buffer.from(whole)
        claimed.writeBigUInt64LE(claim, offset)
        await expectCode(verify(claimed), 'INVALID_BUNDLE')
      }
    }
    for (const sizeBytes of [15 * 1024 * 1024 + 1, 2 ** 32 - 2]) {
      const claimed = Buffer.from(whole)
      claimed.writeUInt32LE(sizeBytes, 163)
      await expectCode(verify(claimed), 'INVALID_BUNDLE')
    }
  })

  it('is refused with frames left out, doubled or in another order', async () => {
    const core = await openCore({ blocks: 0 })
    for (let i = 0; i < 8; i++) await core.append(Buffer.alloc(100, i))
    const bundle = await bundleOf(core)
    const frame = (i: number) => bundle.subarray(163 + i * 104, 163 + (i + 1) * 104)
    const orders = [
      [0, 1, 2, 3, 4, 5, 6],
      [0, 1, 2, 3, 4, 5, 6, 6],
      [0, 1, 2, 3, 4, 5, 6, 7, 7],
      [1, 0, 2, 3, 4, 5, 6, 7],
      [4, 5, 6, 7, 0, 1, 2, 3],
    ]
    for (const order of orders) {
      const shuffled = Buffer.concat([bundle.subarray(0, 163), ...order.map(frame)])
      await expectCode(verify(shuffled), 'INVALID_BUNDLE')
    }
  })

  it('is refused when it is something else entirely', async () => {
    await expectCode(verify(Buffer.alloc(0)), 'INVALID_BUNDLE')
    await expectCode(verify(Buffer.from('hyperletter://')), 'INVALID_BUNDLE')
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), fc.boolean(), async (bytes, marked) => {
        const start = marked ? 'hyperletter-bundle\u0001' : ''
        await expectCode(verify(Buffer.concat([Buffer.from(start), bytes])), 'INVALID_BUNDLE')
      }),
    )
  })

  it('is noticed when it changes after it was verified', async () => {
    const { core, whole } = await sample()
    const changed = Buffer.from(whole)
    changed[whole.byteLength - 9] = (changed[whole.byteLength - 9] ?? 0) ^ 1
    const copy = await openEmpty(core)
    const steps = takeBundle(await logOf(copy), await verify(whole), piecesOf(changed))
    await expectCode(all(steps), 'INVALID_BUNDLE')
    expect(await copy.has(core.length - 1)).toBe(false)
    expect((await take(copy, whole)).added).toBeGreaterThan(0)
    await expectSame(copy, core)
  })
})
