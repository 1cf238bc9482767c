import { describe, expect, test } from 'vitest'
import { readHead, type HeadBlocks } from '../../../src/log/internals/log-heads.ts'
import { USES_INTERNALS } from '../../../src/log/internals/version.ts'
import {
  blockOf,
  connectLiar,
  connectNodes,
  expectBlocks,
  expectWhole,
  openAuthorOf,
  openReaderOf,
  requestsOf,
  type RangeNode,
} from '../../helpers/range-nodes.ts'
import { auditOf, SOUND } from '../../helpers/stores.ts'
import { eventually } from '../../helpers/swarm-peers.ts'

const MOST = { blocks: 64, bytes: 65_536 }

const all = (count: number) => Array.from({ length: count }, (_, i) => blockOf(i))

/** The first of the last blocks that come with the length: 8 KiB, together with the first block. */
function fittingFrom(blocks: readonly Buffer[]): number {
  const sizes = blocks.map((it) => it.byteLength)
  let left = 8 * 1024 - (sizes[0] ?? 0)
  return 1 + sizes.findLastIndex((size, i) => i > 0 && (left -= size) < 0)
}

async function headOf({ log }: RangeNode): Promise<HeadBlocks> {
  await eventually(() => expect(log.peers).not.toEqual([]))
  const [peer] = log.peers
  const head = peer && (await readHead(log, peer, MOST))
  if (head === undefined) throw new Error('It has no head.')
  return head
}

// Each opens up to twenty stores, one after the other.
describe.runIf(USES_INTERNALS)('a copy that has nothing', { timeout: 120_000 }, () => {
  test('gets the newest blocks and the first one with the length, of logs of every shape', async () => {
    for (const count of [1, 2, 7, 8, 70, 129]) {
      const blocks = all(count)
      const from = await openAuthorOf(blocks)
      const to = await openReaderOf(from)
      const told = new Set<number>()
      to.core.on('download', (index) => told.add(index))
      await connectNodes(from, to)
      await eventually(() => expect(to.log.countHeld({ start: 0, end: count })).toBeGreaterThan(0))
      await eventually(() => expect(to.log.missingIn({ start: 0, end: 1 }, 1)).toEqual([]))

      expect(to.log.missingIn({ start: fittingFrom(blocks), end: count }, count)).toEqual([])
      const held = await expectBlocks(to.core, blocks)
      // Of the newest block twice, where the answer about the length is checked after the head was stored.
      expect(told.size).toBe(held)
      // At most the length is asked for, and with it the newest block, where that is said before the head comes.
      expect(requestsOf(to)).toBeLessThanOrEqual(1)
      expect(await auditOf(to.core)).toEqual(SOUND)

      to.core.download({ start: 0, end: -1 })
      await expectWhole(to, blocks)
      const plain = await openReaderOf(from)
      await connectNodes(to, plain, [])
      plain.core.download({ start: 0, end: -1 })
      await expectWhole(plain, blocks)
      expect([...to.misdeeds, ...from.misdeeds, ...to.bad]).toEqual([])
    }
  })

  test('asks two peers of all that it meets, each once, and begins as ever where none answers', async () => {
    const from = await openAuthorOf(all(20))
    const to = await openReaderOf(from)
    const empty = await openReaderOf(from)
    const silent = [await connectLiar(to, empty, () => []), await connectLiar(to, empty, () => [])]
    const asked = silent.map(({ received }) => received.filter(({ kind }) => kind === 'begin'))
    expect(asked.flat()).toHaveLength(2)
    await connectNodes(from, to)
    to.core.download({ start: 0, end: -1 })
    await expectWhole(to, all(20))
    expect(to.misdeeds).toEqual([])
  })

  test('gets it from who holds a part, and nothing from who lacks the newest block', async () => {
    const blocks = all(100)
    const from = await openAuthorOf(blocks)
    const part = await openReaderOf(from)
    const { cut } = await connectNodes(from, part)
    await eventually(() => expect(part.log.countHeld({ start: 0, end: 100 })).toBeGreaterThan(1))
    cut()
    const to = await openReaderOf(from)
    await connectNodes(part, to)
    await eventually(() => expect(to.log.countHeld({ start: 0, end: 1 })).toBe(1))
    expect(requestsOf(to)).toBeLessThanOrEqual(1)

    const late = await openReaderOf(from)
    await connectNodes(part, late, [])
    await eventually(() => expect(late.log.length).toBe(100))
    await part.log.drop({ start: 90, end: 100 })
    const last = await openReaderOf(from)
    await connectNodes(part, last)
    await eventually(() => expect(last.log.length).toBe(100))
    expect([...part.misdeeds, ...last.misdeeds, ...last.bad]).toEqual([])
  })

  test('takes nothing that is not signed, and hangs up on who sends it or was not asked', async () => {
    const blocks = all(50)
    const from = await openAuthorOf(blocks)
    const lies: ((head: HeadBlocks) => Partial<HeadBlocks> & { id?: number })[] = [
      () => ({ signature: Buffer.alloc(68, 1) }),
      () => ({ publicKey: Buffer.alloc(32, 1) }),
      ({ blocks: them }) => ({ blocks: them.with(1, Buffer.from('another text')) }),
      ({ blocks: them }) => ({ blocks: them.slice(0, -1) }),
      ({ roots }) => ({ roots: roots.map(({ hash, size }) => ({ hash, size: size + 1 })) }),
      ({ roots }) => ({ roots: roots.slice(1) }),
      ({ start }) => ({ start: start + 1 }),
      () => ({ first: Buffer.from('another title') }),
      ({ beside }) => ({ beside: beside.slice(1) }),
      () => ({ id: 99 }),
    ]
    const reader = await openReaderOf(from)
    const { cut } = await connectNodes(from, reader, [])
    const head = await headOf(from)
    cut()
    for (const lie of lies) {
      const to = await openReaderOf(from)
      const liar = await openReaderOf(from)
      const { theirs } = await connectLiar(to, liar, (message) =>
        message.kind === 'begin' ? [{ kind: 'head', id: message.id, ...head, ...lie(head) }] : [],
      )
      await eventually(() => expect([...to.misdeeds, ...to.bad]).toHaveLength(1))
      expect(to.core.length).toBe(0)
      // Who sends what cannot be stored is left to whoever strikes peers.
      await eventually(() => expect(theirs.destroyed || to.bad.length > 0).toBe(true))
      await connectNodes(from, to)
      to.core.download({ start: 0, end: -1 })
      await expectWhole(to, blocks)
      expect(await auditOf(to.core)).toEqual(SOUND)
    }
  })

  test('is answered once, only with a log that both replicate', async () => {
    const from = await openAuthorOf(all(10))
    const other = await openAuthorOf(all(3))
    const topic = from.core.discoveryKey ?? Buffer.alloc(32)
    const stranger = await connectLiar(from, other, () => [])
    for (let id = 0; id < 100; id++) stranger.send({ kind: 'begin', topic, id })
    const peer = await openReaderOf(from)
    const asker = await connectLiar(from, peer, () => [])
    asker.send({ kind: 'begin', topic, id: 5 })
    asker.send({ kind: 'begin', topic, id: 6 })
    const heads = () => asker.received.filter(({ kind }) => kind === 'head')
    await eventually(() => expect(heads()).toHaveLength(1))
    const start = fittingFrom(all(10))
    expect(heads()).toMatchObject([{ id: 5, start, blocks: all(10).slice(start) }])
    asker.send({ kind: 'ask', topic, id: 7, runs: [{ start: 0, blocks: 1, anchor: 0 }] })
    await eventually(() => expect(asker.received.at(-1)).toMatchObject({ kind: 'give', id: 7 }))
    expect(heads()).toHaveLength(1)
    expect(stranger.received).toEqual([])
    expect(from.misdeeds).toEqual([])
  })
})
