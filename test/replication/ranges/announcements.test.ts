import { describe, expect, test } from 'vitest'
import { Replication } from '../../../src/log/internals/replication.ts'
import { USES_INTERNALS } from '../../../src/log/internals/version.ts'
import {
  blockOf,
  connectLiar,
  connectNodes,
  openAuthorOf,
  openReaderOf,
  type RangeNode,
} from '../../helpers/range-nodes.ts'
import { eventually } from '../../helpers/swarm-peers.ts'

const BLOCKS = Array.from({ length: 250 }, (_, i) => blockOf(i))
const SOME = [3, 7, 8, 40, 90, 91, 92, 150, 240]

/** What one node announced to another, as that took note of it. */
const told = ({ log }: RangeNode, of: RangeNode) => {
  const peer = log.peers.find((it) => Buffer.from(it.publicKey).equals(of.keyPair.publicKey))
  return BLOCKS.flatMap((_, i) => (peer?.holds({ start: i, end: i + 1 }) === true ? i : []))
}

const rangesHeard = ({ core }: RangeNode) =>
  new Replication(core).peers.map(({ stats }) => stats.wireRange.rx)

/** What a reader that has nothing says first. */
const HEARING = [
  { kind: 'begin', id: 0 },
  { kind: 'hear', number: 0 },
]

/** A reader that has some of the log of an author, and lost touch with the author. */
async function fellow(from: RangeNode, blocks: readonly number[]): Promise<RangeNode> {
  const made = await openReaderOf(from)
  const { cut } = await connectNodes(from, made, [])
  await eventually(() => expect(made.core.length).toBe(from.core.length))
  await Promise.all(blocks.map((it) => made.core.get(it)))
  cut()
  await eventually(() => expect(made.core.peers).toEqual([]))
  return made
}

describe.runIf(USES_INTERNALS)('blocks that arrive', () => {
  test('are announced together to who hears that, and one by one to who does not; all can be had', async () => {
    const from = await openAuthorOf(BLOCKS)
    const [hearing, plain] = [await fellow(from, [0]), await fellow(from, [0])]
    const to = await openReaderOf(from)
    await connectNodes(to, plain, [to])
    await eventually(() => expect(to.core.length).toBe(250))
    await connectNodes(to, hearing)
    const { cut } = await connectNodes(from, to)
    await eventually(() => expect(told(hearing, to)).toEqual([]))
    const [before = 0] = rangesHeard(hearing)
    const [beforePlain = 0] = rangesHeard(plain)
    await Promise.all(SOME.map((it) => to.core.get(it)))
    cut()

    await eventually(() => expect(told(hearing, to)).toEqual(SOME))
    await eventually(() => expect(told(plain, to)).toEqual(SOME))
    expect((rangesHeard(plain)[0] ?? 0) - beforePlain).toBe(SOME.length)
    expect((rangesHeard(hearing)[0] ?? 0) - before).toBeLessThan(SOME.length)
    for (const reader of [hearing, plain]) {
      expect(await reader.core.get(90)).toEqual(BLOCKS[90])
      expect(reader.misdeeds).toEqual([])
    }
  })

  test('are told by their numbers, but for those that are dropped at once or that the peer has announced', async () => {
    const from = await openAuthorOf(BLOCKS)
    const known = await fellow(from, [40])
    const to = await openReaderOf(from)
    const listener = await connectLiar(to, known, () => [])
    await eventually(() => expect(to.core.length).toBe(250))
    await eventually(() => expect(listener.received).toMatchObject(HEARING))
    listener.send({ kind: 'hear', topic: from.log.discoveryKey, number: 77 })
    await connectNodes(from, to)
    await Promise.all([...SOME, 200].map((it) => to.core.get(it)))
    await to.log.drop({ start: 200, end: 201 })

    const heard = () => listener.received.flatMap((it) => (it.kind === 'have' ? it : []))
    await eventually(() =>
      expect(heard().flatMap(({ blocks }) => blocks)).toEqual(expect.arrayContaining([3, 91, 240])),
    )
    expect(heard().every(({ number }) => number === 77)).toBe(true)
    expect(heard().flatMap(({ blocks }) => blocks)).not.toContain(40)
    await eventually(() => expect(told(known, to)).toEqual([]))
  })

  test('that cannot be, or that nobody asked about, end the connection; those behind the end are passed over', async () => {
    const from = await openAuthorOf(BLOCKS)
    const liars: [string, (liar: Awaited<ReturnType<typeof connectLiar>>) => void][] = [
      [
        'peer told of what nobody asked about',
        (it) => it.send({ kind: 'have', number: 5, blocks: [1] }),
      ],
      [
        'peer sent an invalid message of hyperletter/ranges/1',
        (it) => it.raw(Buffer.of(5, 0, 1, 0)),
      ],
      [
        'peer sent an invalid message of hyperletter/ranges/1',
        (it) => it.raw(Buffer.of(5, 0, 1, 1, 0)),
      ],
      [
        'peer sent an invalid message of hyperletter/ranges/1',
        (it) => it.raw(Buffer.concat([Buffer.of(5, 0, 1, 253, 1, 2), Buffer.alloc(513, 255)])),
      ],
      [
        'peer floods with requests',
        (it) => {
          const blocks = Array.from({ length: 4_000 }, (_, i) => i)
          for (let i = 0; i < 30; i++) it.send({ kind: 'have', number: 0, blocks })
        },
      ],
    ]
    for (const [misdeed, lie] of liars) {
      const to = await openReaderOf(from)
      const liar = await connectLiar(to, await fellow(from, [0]), () => [])
      await eventually(() => expect(liar.received).toMatchObject(HEARING))
      liar.send({ kind: 'have', number: 0, blocks: [2, 5, 400, 4_000] })
      await eventually(() => expect(to.core.length).toBe(250))
      liar.send({ kind: 'have', number: 0, blocks: [2, 5, 400, 4_000] })
      await eventually(() => expect(to.log.peers[0]?.holds({ start: 5, end: 6 })).toBe(true))
      expect(to.log.peers[0]?.holds({ start: 400, end: 401 })).toBe(false)
      lie(liar)
      await eventually(() => expect(to.misdeeds).toEqual([misdeed]))
      expect(liar.theirs.destroyed).toBe(true)
    }
  })
})
