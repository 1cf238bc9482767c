import { describe, expect, test } from 'vitest'
import { besideOf } from '../../../src/format/block-run.ts'
import { USES_INTERNALS } from '../../../src/log/internals/version.ts'
import { readRun } from '../../../src/log/internals/runs.ts'
import {
  MAX_RUN_BYTES,
  NOT_HERE,
  TOO_LARGE,
  type Give,
} from '../../../src/replication/ranges/range-message.ts'
import {
  blockOf,
  connectLiar,
  connectNodes,
  expectWhole,
  openAuthorOf,
  openReaderOf,
  requestsOf,
} from '../../helpers/range-nodes.ts'
import { coreOf, logOf } from '../../helpers/stores.ts'
import { eventually } from '../../helpers/swarm-peers.ts'

const BLOCKS = Array.from({ length: 300 }, (_, i) => blockOf(i))

describe.runIf(USES_INTERNALS)('runs of blocks', () => {
  test('bring a log from its only source with few requests, each block told once, and it goes on from there', async () => {
    const from = await openAuthorOf(BLOCKS)
    const to = await openReaderOf(from)
    const told: number[] = []
    const uploaded: number[] = []
    to.core.on('download', (index) => told.push(index))
    from.core.on('upload', (index) => uploaded.push(index))
    await connectNodes(from, to)
    await eventually(() => expect(to.core.length).toBe(BLOCKS.length))
    const range = to.core.download({ start: 0, end: -1 })
    const part = to.core.download({ start: 20, end: 90 })
    const waiting = to.core.get(40)

    expect(await part.done()).toBe(true)
    expect(await waiting).toEqual(blockOf(40))
    await expectWhole(to, BLOCKS)
    expect(requestsOf(to)).toBeLessThan(BLOCKS.length / 5)
    expect(told.toSorted((a, b) => a - b)).toEqual(BLOCKS.map((_, i) => i))
    await eventually(() => expect(uploaded.length).toBeGreaterThanOrEqual(BLOCKS.length))

    await from.core.append([blockOf(300), blockOf(301)])
    await eventually(() => expect(to.core.contiguousLength).toBe(302))
    const third = await openReaderOf(to)
    await connectNodes(to, third, [])
    third.core.download({ start: 0, end: -1 })
    await expectWhole(third, [...BLOCKS, blockOf(300), blockOf(301)])
    range.destroy()
  })

  test('are not needed: peers without them, on either side, are asked and answered as ever', async () => {
    const from = await openAuthorOf(BLOCKS.slice(0, 60))
    for (const speaking of [0, 1]) {
      const to = await openReaderOf(from)
      await connectNodes(from, to, speaking === 0 ? [from] : [to])
      to.core.download({ start: 0, end: -1 })
      await expectWhole(to, BLOCKS.slice(0, 60))
      expect(requestsOf(to)).toBeGreaterThanOrEqual(60)
    }
  })

  test('leave out what is here, is not there or was dropped, and what is too large comes block by block', async () => {
    const large = Array.from({ length: 64 }, (_, i) => Buffer.alloc(i % 8 === 0 ? 600_000 : 10, i))
    const from = await openAuthorOf(large)
    await from.log.drop({ start: 17, end: 20 })
    const to = await openReaderOf(from)
    await connectNodes(from, to)
    await eventually(() => expect(to.core.length).toBe(64))
    await to.core.get(30)
    to.core.download({ start: 0, end: -1 })

    await eventually(() => expect(to.log.countHeld({ start: 0, end: 64 })).toBe(61), 30_000)
    expect(to.log.missingIn({ start: 0, end: 64 }, 64)).toEqual([17, 18, 19])
    expect([...to.misdeeds, ...from.misdeeds]).toEqual([])
  })

  test('go on with a second source where the first one leaves half-way, or says nothing of them', async () => {
    const from = await openAuthorOf(BLOCKS)
    const to = await openReaderOf(from)
    const silent = await openReaderOf(from)
    await connectNodes(from, silent)
    silent.core.download({ start: 0, end: -1 })
    await expectWhole(silent, BLOCKS)
    const mute = await connectLiar(to, silent, () => [])
    to.core.download({ start: 0, end: -1 })
    await eventually(() => expect(mute.received.length).toBeGreaterThan(0))
    await connectNodes(from, to)
    mute.ours.destroy()

    await expectWhole(to, BLOCKS)
    expect([...to.misdeeds, ...from.misdeeds]).toEqual([])
  })

  test('that lie end the connection, and the same blocks come from another', async () => {
    const from = await openAuthorOf(BLOCKS)
    const hash = Buffer.alloc(32, 7)
    const lies: ((ask: { id: number; start: number; blocks: number; anchor: number }) => Give)[] = [
      // Blocks that lead elsewhere, though all sizes are right.
      ({ id, start, blocks, anchor }) => ({
        kind: 'give',
        id,
        beside: besideOf({ start, end: start + blocks }, anchor).map(() => ({ size: 0, hash })),
        blocks: Array.from({ length: blocks }, () => Buffer.alloc(1)),
      }),
      ({ id }) => ({ kind: 'give', id, beside: [], blocks: [Buffer.alloc(60_000)] }),
      ({ id, blocks }) => ({
        kind: 'give',
        id,
        beside: [],
        blocks: Array.from({ length: blocks + 1 }, () => Buffer.alloc(0)),
      }),
      ({ id }) => ({ kind: 'give', id: id + 9, beside: [], blocks: [Buffer.alloc(1)] }),
      ({ id, start, blocks, anchor }) => ({
        kind: 'give',
        id,
        beside: besideOf({ start, end: start + blocks }, anchor).map(() => ({
          size: 2 ** 40,
          hash,
        })),
        blocks: [Buffer.alloc(1)],
      }),
    ]
    for (const lie of lies) {
      const to = await openReaderOf(from)
      const liar = await openReaderOf(from)
      const once = await connectNodes(from, liar, [])
      liar.core.download({ start: 0, end: -1 })
      await expectWhole(liar, BLOCKS)
      once.cut()
      const { theirs } = await connectLiar(to, liar, (message) =>
        message.kind === 'ask'
          ? message.runs.map((run, i) => lie({ id: message.id + i, ...run }))
          : [],
      )
      to.core.download({ start: 0, end: -1 })
      await eventually(() => expect(theirs.destroyed).toBe(true))
      expect(to.misdeeds).toHaveLength(1)
      await connectNodes(from, to)
      await expectWhole(to, BLOCKS)
    }
  })

  test('are refused to who does not replicate the log, floods, or asks for what cannot exist', async () => {
    const from = await openAuthorOf(BLOCKS.slice(0, 100))
    const other = await openAuthorOf([Buffer.from('another log')])
    const topic = from.core.discoveryKey ?? Buffer.alloc(32)
    const stranger = await connectLiar(from, other, () => [])
    const ask = (runs: { start: number; blocks: number; anchor: number }[], id = 0) =>
      stranger.send({ kind: 'ask', topic, id, runs })
    ask([{ start: 0, blocks: 4, anchor: 3 }])
    await eventually(() =>
      expect(stranger.received).toEqual([{ kind: 'lack', id: 0, why: NOT_HERE }]),
    )

    const peer = await openReaderOf(from)
    const asker = await connectLiar(from, peer, () => [])
    await eventually(() => expect(from.core.peers).toHaveLength(1))
    const runs = [
      { start: 0, blocks: 4, anchor: 3 },
      { start: 90, blocks: 20, anchor: 127 },
      { start: 0, blocks: 4, anchor: 2 },
    ]
    asker.send({ kind: 'ask', topic, id: 5, runs })
    const answers = () => asker.received.filter(({ kind }) => kind === 'give' || kind === 'lack')
    await eventually(() => expect(answers()).toHaveLength(3))
    expect(answers()).toMatchObject([
      { kind: 'give', id: 5, beside: [], blocks: BLOCKS.slice(0, 4) },
      { kind: 'lack', id: 6, why: NOT_HERE },
      { kind: 'lack', id: 7, why: NOT_HERE },
    ])
    asker.send({ kind: 'cancel', id: 99 })
    asker.raw(Buffer.of(9, 1, 2, 3))
    expect(from.misdeeds).toEqual([])
    for (let i = 0; i < 400; i++) {
      const many = Array.from({ length: 32 }, () => ({ start: 0, blocks: 1, anchor: 0 }))
      asker.send({ kind: 'ask', topic, id: 10 + 32 * i, runs: many })
    }
    await eventually(() => expect(from.misdeeds).toEqual(['peer floods with requests']))
    expect(asker.theirs.destroyed).toBe(true)
    expect(asker.received.some((it) => it.kind === 'lack' && it.why === TOO_LARGE)).toBe(true)
  })

  test('are read only up to their limit', async () => {
    const blocks = Array.from({ length: 8 }, () => Buffer.alloc(MAX_RUN_BYTES / 4))
    const from = await openAuthorOf(blocks)
    const to = await openReaderOf(from)
    await connectNodes(from, to)
    await eventually(() => expect(from.log.peers).toHaveLength(1))
    const [peer] = from.log.peers
    if (peer === undefined) throw new Error('No peer is there.')
    const read = (count: number) =>
      readRun(from.log, { start: 0, blocks: count, anchor: 7 }, peer, MAX_RUN_BYTES)
    expect(await read(4)).toMatchObject({ blocks: { length: 4 }, beside: { length: 1 } })
    expect(await read(5)).toBe('too-large')
    expect(coreOf(to.log)).toBe(to.core)
  })

  test('survive a closed reader, and a log that is cut back', async () => {
    const from = await openAuthorOf(BLOCKS)
    const to = await openReaderOf(from)
    await connectNodes(from, to)
    to.core.download({ start: 0, end: -1 })
    await eventually(() => expect(to.log.countHeld({ start: 0, end: 300 })).toBeGreaterThan(0))
    await to.log.close()
    await to.core.close()

    const again = to.store.get({ key: from.core.key ?? '', allowFork: false })
    await again.ready()
    const held = (await logOf(again)).countHeld({ start: 0, end: 300 })
    expect(held).toBeGreaterThan(0)
  })
})
