import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import type Hypercore from 'hypercore'
import { describe, expect, it } from 'vitest'
import { HyperletterError } from '../../../src/errors.ts'
import { listingMemory } from '../../../src/engine/history-file.ts'
import { History, type HistoryOptions } from '../../../src/format/history/history.ts'
import type { KnownPart, KnownPartStore } from '../../../src/format/history/known-record.ts'
import type { BlockSource } from '../../../src/format/log.ts'
import { LogBuilder } from '../../helpers/log-builder.ts'

const LATER = '2026-04-01T09:30:00Z'

/** A log in memory that counts which blocks are read. */
class MemoryLog implements BlockSource {
  readonly blocks: Uint8Array[] = []
  readonly absent = new Set<number>()
  reads: number[] = []
  readonly builder = new LogBuilder({
    append: async (blocks: Uint8Array[]) => ({ length: this.blocks.push(...blocks) }),
    // Of a core, the builder uses this alone.
  } as unknown as Hypercore)

  get length(): number {
    return this.blocks.length
  }

  async read(index: number): Promise<Uint8Array> {
    this.reads.push(index)
    const block = this.blocks[index]
    if (block !== undefined && !this.absent.has(index)) return block
    throw new HyperletterError('NOT_AVAILABLE', `Block ${index} is missing.`)
  }
}

async function logWith(issues: number): Promise<MemoryLog> {
  const log = new MemoryLog()
  await log.builder.newsletter()
  for (let i = 0; i < issues; i++) await log.builder.issue()
  return log
}

function numbersOf({ issues }: Awaited<ReturnType<History['list']>>): number[] {
  return issues.map((it) => it.record.number)
}

function storeOf(part?: KnownPart): KnownPartStore & { saved: KnownPart | undefined } {
  const store = {
    saved: part,
    load: async () => store.saved,
    save: async (it: KnownPart) => void (store.saved = it),
  }
  return store
}

describe('what listings hold in memory together', () => {
  it('is bounded: that of a log that was not asked for longest comes back from where it was saved', async () => {
    const memory = listingMemory(250_000)
    const logs = await Promise.all(
      [300, 301, 302].map(async (issues) => {
        const log = await logWith(issues)
        const store = storeOf()
        let loads = 0
        const load = () => {
          loads++
          return store.load()
        }
        const history = new History(log, { memory, store: { ...store, load } })
        const list = async () => {
          log.reads = []
          loads = 0
          const { issues: found, recordBytes } = await history.list()
          expect(found).toHaveLength(issues)
          expect(recordBytes).toBeGreaterThan(250_000 / 3)
          expect(recordBytes).toBeLessThan(250_000 / 2)
          return { loads, reads: log.reads.length }
        }
        return { list, store, history }
      }),
    )
    const [first, second, third] = logs as [Listed, Listed, Listed]
    type Listed = (typeof logs)[number]
    await first.list()
    await second.list()
    expect(await first.list()).toEqual({ loads: 0, reads: 0 })
    await third.list()
    expect(await first.list()).toEqual({ loads: 0, reads: 0 })
    expect(await second.list()).toEqual({ loads: 1, reads: 0 })
    // Closed, it makes room.
    await first.history.close()
    expect(await third.list()).toEqual({ loads: 1, reads: 0 })
    expect(await second.list()).toEqual({ loads: 0, reads: 0 })
  })
})

it('listings of long logs are read one after the other, unless one waits for peers', async () => {
  const memory = listingMemory()
  const logs = await Promise.all(
    [1, 2, 3].map(async () => {
      const log = await logWith(0)
      for (let i = 0; i < 10_000; i++) await log.builder.raw('A picture.')
      await log.builder.issue()
      return log
    }),
  )
  const [first, second, third] = logs as [MemoryLog, MemoryLog, MemoryLog]
  let release = () => undefined as void
  const held = new Promise<void>((resolve) => (release = resolve))
  const read = first.read.bind(first)
  first.read = (index) => held.then(() => read(index))
  const listOf = (log: MemoryLog, wait: boolean) => new History(log, { memory }).list({ wait })

  const waiting = [listOf(first, false), listOf(second, false)]
  expect((await listOf(third, true)).issues).toHaveLength(1)
  expect(second.reads).toEqual([])
  release()
  for (const { issues } of await Promise.all(waiting)) expect(issues).toHaveLength(1)
  expect(second.reads).not.toEqual([])
})

describe('a listing of a log that grows', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constantFrom('issue', 'newsletter', 'poll', 'stray', 'spoilt' as const) }),
    fc.record({ kind: fc.constantFrom('amendment', 'retraction'), number: fc.nat({ max: 6 }) }),
    fc.record({ kind: fc.constant('issue'), number: fc.integer({ min: 1, max: 6 }) }),
    fc.record({ kind: fc.constant('issue'), skip: fc.integer({ min: 1, max: 3 }) }),
  ) as fc.Arbitrary<{ kind: string; number?: number; skip?: number }>

  async function append(
    { builder }: MemoryLog,
    { kind, number, skip = 0 }: { kind: string; number?: number; skip?: number },
  ) {
    const previous = builder.records.slice(skip)
    const fields = skip > 0 && previous.length > 0 ? { previous: previous.slice(0, 32) } : {}
    const about = { number: (number ?? 0) + 1 }
    if (kind === 'stray') await builder.raw('stray')
    else if (kind === 'spoilt') await builder.record('spoilt')
    else if (kind === 'poll') await builder.record({ type: 'poll' })
    else if (kind === 'newsletter') await builder.newsletter()
    else if (kind === 'issue')
      await builder.issue({ ...fields, ...(number === undefined ? {} : { number }) })
    else if (kind === 'retraction')
      await builder.record({ type: 'retraction', ...about, retractedAt: LATER })
    else {
      const block = await builder.raw('New')
      const body = { block, blocks: 1, bytes: 3, mediaType: 'text/markdown' }
      const head = { title: 'Newer', amendedAt: LATER, body, attachments: [] }
      await builder.record({ type: 'amendment', ...about, ...head })
    }
  }

  it.each<[string, HistoryOptions]>([
    ['', {}],
    [' within limits', { limits: { records: 7, bytes: 4_000 } }],
  ])('is what a new one says, whatever an author appends%s', async (_, options) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(step, { maxLength: 6 }), { maxLength: 6 }),
        async (steps) => {
          const log = await logWith(0)
          const history = new History(log, options)
          for (const some of steps) {
            for (const it of some) await append(log, it)
            expect(await history.list()).toEqual(await new History(log, options).list())
          }
        },
      ),
      { numRuns: 300 },
    )
  })

  it('reads what is new, and nothing of what was known', async () => {
    const log = await logWith(200)
    const history = new History(log)
    await history.list()
    log.reads = []
    await log.builder.record({ type: 'retraction', number: 2, retractedAt: LATER })
    await log.builder.issue()
    const { issues } = await history.list()
    expect(log.reads.toSorted((a, b) => a - b)).toEqual(
      log.builder.records.slice(0, 2).toReversed(),
    )
    expect(issues).toHaveLength(201)
    expect(issues.find((it) => it.record.number === 2)).toHaveProperty('retraction')
  })

  it('goes on from what was saved, and reads the rest of a log as if nothing had been', async () => {
    const log = await logWith(600)
    const store = storeOf()
    const first = new History(log, { store })
    await first.list()
    await first.close()
    expect(store.saved?.length).toBe(log.length)
    await log.builder.issue()
    log.reads = []
    const again = await new History(log, { store }).list()
    expect(log.reads).toHaveLength(1)
    expect(again).toEqual(await new History(log).list())
  })

  it('keeps nothing of it once it is closed', async () => {
    const log = await logWith(10)
    const history = new History(log)
    const listing = await history.list()
    log.reads = []
    expect(await history.list()).toBe(listing)
    await history.close()
    expect(log.reads).toEqual([])
    expect(await history.list()).toEqual(listing)
    expect(log.reads).toHaveLength(11)
  })

  it('is not saved while it is short, nor again for a few records more', async () => {
    const log = await logWith(200)
    const store = storeOf()
    const history = new History(log, { store })
    await history.list()
    await history.close()
    expect(store.saved).toBeUndefined()
    for (let i = 0; i < 100; i++) await log.builder.issue()
    await history.list()
    await history.close()
    const { saved } = store
    expect(saved?.records).toHaveLength(301)
    await log.builder.issue()
    await history.list()
    await history.close()
    expect(store.saved).toBe(saved)
  })
})

describe('a listing with limits', () => {
  const padding = 'x'.repeat(60_000)

  it('ends at them, says so, and reads nothing that lies behind', async () => {
    const log = await logWith(500)
    const listing = await new History(log, { limits: { records: 100, bytes: 2 ** 26 } }).list()
    expect(numbersOf(listing)).toEqual(Array.from({ length: 100 }, (_, i) => 500 - i))
    expect(listing).toMatchObject({ isCut: true, missing: 0, profile: { index: 0 } })
    expect(listing.positions).toHaveLength(100)
    expect(Math.min(...log.reads.filter((it) => it > 0))).toBe(listing.positions.at(-1))
  })

  it('holds for what records take, and counts it', async () => {
    const log = await logWith(3)
    for (let i = 0; i < 50; i++) await log.builder.newsletter({ padding })
    const listing = await new History(log, { limits: { records: 1_000, bytes: 500_000 } }).list()
    expect(listing).toMatchObject({ isCut: true, issues: [] })
    expect(listing.positions).toHaveLength(9)
    const bytes = listing.positions.map((it) => log.blocks[it]?.byteLength ?? 0)
    expect(listing.recordBytes).toBe(bytes.reduce((a, b) => a + b))
    expect(Math.min(...log.reads.filter((it) => it > 0))).toBe(listing.positions.at(-1))
  })

  it('moves on with the log, and reaches further when they are raised', async () => {
    const log = await logWith(60)
    const history = new History(log, { limits: { records: 1_000, bytes: 2 ** 20 } })
    expect(numbersOf(await history.list())).toHaveLength(60)
    history.maxBytes = 5_000
    const cut = await history.list()
    expect(cut.isCut).toBe(true)
    expect(cut.issues.length).toBeLessThan(20)
    await log.builder.issue()
    expect(numbersOf(await history.list())[0]).toBe(61)
    history.maxBytes = 2 ** 20
    expect(await history.list()).toEqual(await new History(log).list())
  })

  it('does not wait for what is missing behind them', async () => {
    const log = await logWith(60)
    for (let i = 0; i < 20; i++) log.absent.add(log.builder.records.at(-2 - i) ?? 0)
    const listing = await new History(log, { limits: { records: 30, bytes: 2 ** 20 } }).list()
    expect(listing).toMatchObject({ isCut: true, missing: 0 })
  })

  it('holds 10,000 issues in a tenth of the memory that 100,000 may take', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const heapBytes = () => {
      collect()
      return process.memoryUsage().heapUsed
    }
    const history = new History(await logWith(10_000))
    const before = heapBytes()
    const { issues } = await history.list()
    expect(heapBytes() - before).toBeLessThan(15 * 2 ** 20)
    expect(issues).toHaveLength(10_000)
    await history.close()
  })

  it('keeps no field that this version does not know', async () => {
    const log = await logWith(0)
    await log.builder.newsletter({
      padding,
      authors: [{ name: 'Ada', padding: padding.slice(55_000) }],
    })
    await log.builder.issue({ padding })
    const store = storeOf()
    const { issues, profile } = await new History(log, { store }).list()
    expect(JSON.stringify({ issues, profile })).not.toContain('xxxxx')
    expect(profile?.record.authors).toEqual([{ name: 'Ada' }])
    expect(issues[0]?.record).toMatchObject({ title: 'Tides of week 1', attachments: [] })
  })
})
