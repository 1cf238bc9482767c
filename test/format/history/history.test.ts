import { EventEmitter, once } from 'node:events'
import { describe, expect, test } from 'vitest'
import { HyperletterError } from '../../../src/errors.ts'
import type { BlockSource, ReadOptions } from '../../../src/format/log.ts'
import { History } from '../../../src/format/history/history.ts'
import { MAX_RECORD_BYTES } from '../../../src/format/records/record.ts'
import { LogBuilder } from '../../helpers/log-builder.ts'
import { all } from '../../helpers/operations.ts'
import { logOf, openStore } from '../../helpers/stores.ts'

async function emptyLog(): Promise<LogBuilder> {
  const core = (await openStore()).get({ name: 'log' })
  await core.ready()
  return new LogBuilder(core)
}

/** A log that begins with a newsletter and `count` issues. */
async function logWith(count: number): Promise<LogBuilder> {
  const log = await emptyLog()
  await log.newsletter()
  for (let i = 0; i < count; i++) await log.issue()
  return log
}

/** The blocks of a log, of which some may be missing; counts reads and how many rounds they took. */
class CountingSource implements BlockSource {
  readonly missing = new Set<number>()
  readonly #log: LogBuilder
  readonly reads = new Map<number, number>()
  rounds = 0
  #running = 0

  constructor(log: LogBuilder) {
    this.#log = log
  }

  get length(): number {
    return this.#log.core.length
  }

  async read(index: number, options?: ReadOptions): Promise<Uint8Array> {
    if (this.#running === 0) this.rounds++
    this.#running++
    this.reads.set(index, (this.reads.get(index) ?? 0) + 1)
    try {
      const block = await (await logOf(this.#log.core)).read(index, options)
      if (!this.missing.has(index)) return block
      throw new HyperletterError('NOT_AVAILABLE', `Block ${index} is missing.`)
    } finally {
      this.#running--
    }
  }
}

function historyOf(log: LogBuilder): History {
  return new History(new CountingSource(log))
}

/** The numbers listed and what was skipped. */
async function summary(history: History) {
  const {
    issues,
    profile,
    positions: _,
    recordBytes: _bytes,
    isCut: _isCut,
    letters: _letters,
    ...counts
  } = await history.list()
  return { numbers: issues.map((it) => it.record.number), profile: profile?.index, ...counts }
}

const LATER = '2026-04-01T09:30:00Z'

const NOTHING_SKIPPED = { unknown: 0, invalid: 0, missing: 0 }

describe('the head of a log', () => {
  test('is known as a record once it was read, and is not read again for its issue', async () => {
    const log = await logWith(1)
    const source = new CountingSource(log)
    const history = new History(source)
    expect(await history.hasHead()).toBe(true)
    expect((await history.newest())?.record.number).toBe(1)
    expect(source.reads.get(log.core.length - 1)).toBe(1)
  })

  test('is no record where it is none, and unknown where it is not here', async () => {
    const log = await logWith(1)
    const source = new CountingSource(log)
    source.missing.add(log.core.length - 1)
    expect(await new History(source).hasHead()).toBeUndefined()
    await log.core.append(Buffer.from('Not a record.'))
    expect(await new History(source).hasHead()).toBe(false)
  })
})

describe('a good log', () => {
  test('lists nothing while it is empty', async () => {
    const history = historyOf(await emptyLog())
    expect(await summary(history)).toEqual({ numbers: [], profile: undefined, ...NOTHING_SKIPPED })
    expect(await history.newest()).toBeUndefined()
    expect(await history.profile()).toBeUndefined()
  })

  test('lists issues from the newest to the oldest', async () => {
    const log = await logWith(5)
    expect(await summary(historyOf(log))).toEqual({
      numbers: [5, 4, 3, 2, 1],
      profile: 0,
      ...NOTHING_SKIPPED,
    })
  })

  test('tells which blocks it took for records', async () => {
    const log = await logWith(3)
    await log.issue()
    const { issues, positions } = await historyOf(log).list()
    expect(positions).toEqual([...issues.map((it) => it.index), 0])
  })

  test('lists letters with the newest answer to each, without those whose numbers do not rise', async () => {
    const log = await logWith(1)
    await log.letter(1, { issue: 1, answer: 'Maybe.' })
    await log.letter(3)
    await log.letter(3)
    await log.letter(2, { letter: 1 })
    await log.letters({ answers: [1, 1, 9].map((letter, i) => ({ letter, answer: `No ${i}.` })) })
    await log.letters({ answers: [{ letter: 3, answer: 'Yes.' }] })
    await log.letters({ withdrawn: [{ letter: 1, reason: 'Ada asked for it.' }, { letter: 8 }] })
    const { letters, issues, invalid, unknown } = await historyOf(log).list()
    expect(letters).toMatchObject([
      { number: 2, letter: 1 },
      { number: 1, issue: 1, answer: 'No 1.', withdrawn: { reason: 'Ada asked for it.' } },
    ])
    expect([issues.length, invalid, unknown]).toEqual([1, 2, 0])
    const history = new History(new CountingSource(log))
    await history.list()
    await log.issue()
    expect((await history.list()).letters).toEqual(letters)
  })

  test('reads no further back for letters about an issue than to the issue', async () => {
    const log = await logWith(100)
    await log.letter(1, { issue: 100 })
    const source = new CountingSource(log)
    const history = new History(source)
    const newest = await history.newest()
    expect(await history.lettersAfter(newest?.index ?? NaN)).toMatchObject([{ number: 1 }])
    expect(source.reads.size).toBeLessThan(50)
    await history.list()
    expect(await history.lettersAfter(newest?.index ?? NaN)).toMatchObject([{ number: 1 }])
  })

  test('gives the newest profile', async () => {
    const log = await logWith(2)
    const index = await log.newsletter({ title: 'Tides' })
    await log.issue()
    expect((await historyOf(log).profile())?.record.title).toBe('Tides')
    expect((await historyOf(log).list()).profile?.index).toBe(index)
  })

  test('gives the newest issue although other records follow it', async () => {
    const log = await logWith(2)
    await log.newsletter()
    await log.record({ type: 'poll' })
    expect((await historyOf(log).newest())?.record.number).toBe(2)
  })

  test('lists 1,000 issues in about one round of reads for 32 records, without content', async () => {
    const log = await logWith(1_000)
    const source = new CountingSource(log)
    const history = new History(source)
    expect((await history.list()).issues).toHaveLength(1_000)
    expect(source.rounds).toBeLessThanOrEqual(Math.ceil(1_001 / 32) + 2)
    expect(source.reads.size).toBe(1_001)
    expect(Math.max(...source.reads.values())).toBe(1)
  })

  test('asks for the next step of its way before all records of one are here', async () => {
    const log = await logWith(100)
    const held = log.records[5] as number
    const beyond = log.records[64] as number
    const events = new EventEmitter()
    const asked = once(events, 'asked')
    const arrives = once(events, 'arrives')
    const listing = new History({
      length: log.core.length,
      async read(index, options) {
        if (index === beyond) events.emit('asked')
        if (index === held) await arrives
        return (await logOf(log.core)).read(index, options)
      },
    }).list()
    await asked
    events.emit('arrives')
    expect((await listing).issues).toHaveLength(100)
  })

  test('tells on the way from where on all issues and their retractions are known', async () => {
    const log = await logWith(100)
    await log.record({ type: 'retraction', number: 3, retractedAt: LATER })
    await log.record({ type: 'retraction', number: 90, retractedAt: LATER })
    const sections = await all(historyOf(log).sections())

    const froms = sections.map(({ from }) => from)
    expect(froms.length).toBeGreaterThan(3)
    expect(froms).toEqual(froms.toSorted((a, b) => b - a))
    const { issues = [], ...rest } = sections.at(-1)?.listing ?? {}
    let met = 0
    for (const section of sections.slice(0, -1)) {
      met += section.issues.length
      expect(issues.slice(0, met).slice(-section.issues.length)).toEqual(section.issues)
      expect(issues.filter((it) => it.index >= section.from)).toHaveLength(met)
    }
    expect({ issues, ...rest }).toEqual(await historyOf(log).list())
    const [first] = sections
    expect(first?.issues.find((it) => it.record.number === 90)).toHaveProperty('retraction')
  })

  test('tells of no section behind a record that is missing', async () => {
    const log = await logWith(100)
    const missing = 100
    const source = new CountingSource(log)
    source.missing.add(missing)
    const [first, ...rest] = await all(new History(source).sections())
    expect(first?.from).toBeGreaterThan(missing)
    expect(rest.map(({ from }) => from).filter((it) => it > 0 && it <= missing)).toEqual([])
    expect(rest.at(-1)).toMatchObject({ from: 0, listing: { missing: 1 } })
  })

  test('reads only what is new when it lists again', async () => {
    const log = await logWith(100)
    const source = new CountingSource(log)
    const history = new History(source)
    await history.list()
    const index = await log.issue()
    source.reads.clear()
    expect((await history.list()).issues).toHaveLength(101)
    expect([...source.reads.keys()]).toEqual([index])
  })

  test('reads two blocks for the newest issue and its profile', async () => {
    const log = await logWith(100)
    const source = new CountingSource(log)
    const history = new History(source)
    await history.newest()
    await history.profile()
    expect([...source.reads.keys()]).toEqual([log.records[0], 0])
  })
})

describe('a log that its author spoilt', () => {
  test('skips and counts records of types that it does not know', async () => {
    const log = await logWith(1)
    await log.record({ type: 'poll' })
    await log.issue()
    await log.record({ type: 'correction', anything: [1, 2] })
    expect(await summary(historyOf(log))).toMatchObject({ numbers: [2, 1], unknown: 2, invalid: 0 })
  })

  test.each([
    ['is not JSON', '{ this is not JSON'],
    ['is empty', ''],
    ['is larger than a record may be', `"${'x'.repeat(MAX_RECORD_BYTES)}"`],
    ['lacks the mark', '{"type":"issue","previous":[0]}'],
    ['nests thousands of levels', '['.repeat(60_000)],
  ])('skips and counts a record in the middle that %s', async (_, block) => {
    const log = await logWith(3)
    await log.record(block)
    await log.issue()
    expect(await summary(historyOf(log))).toMatchObject({ numbers: [4, 3, 2, 1], invalid: 1 })
  })

  test.each([
    ['forwards', (at: number) => [at + 1, 0]],
    ['at itself', (at: number) => [at, 0]],
    ['back and forth', () => [0, 2]],
    ['twice at one record', () => [2, 2, 0]],
    ['below the first block', () => [-1]],
    ['at more than 32 records', () => Array.from({ length: 33 }, (_, i) => 40 - i)],
    ['nowhere', () => []],
  ])('skips and counts a record that points %s', async (_, previous) => {
    const log = await logWith(3)
    await log.issue({ previous: previous(log.core.length + 1) })
    await log.issue()
    expect(await summary(historyOf(log))).toMatchObject({ numbers: [5, 3, 2, 1], invalid: 1 })
  })

  test('counts pointers at content as invalid records', async () => {
    const log = await logWith(3)
    const [newest = 0] = log.records
    await log.newsletter({ previous: [newest, newest - 1, ...log.records.slice(1)] })
    expect(await summary(historyOf(log))).toMatchObject({ numbers: [3, 2, 1], invalid: 1 })
  })

  test('skips and counts issues whose numbers do not fall', async () => {
    const log = await logWith(3)
    await log.issue({ number: 2 })
    await log.issue({ number: 7 })
    expect(await summary(historyOf(log))).toMatchObject({ numbers: [7, 2, 1], invalid: 2 })
  })

  test('falls back to the nearest record when the last block is none', async () => {
    const log = await logWith(3)
    await log.raw('some', 'stray', 'blocks')
    const history = historyOf(log)
    expect(await summary(history)).toMatchObject({ numbers: [3, 2, 1], profile: 0, invalid: 1 })
    expect((await history.newest())?.record.number).toBe(3)
    expect((await history.profile())?.index).toBe(0)
  })

  test('recovers once records follow the stray blocks', async () => {
    const log = await logWith(2)
    const history = historyOf(log)
    await log.raw('stray')
    expect(await summary(history)).toMatchObject({ numbers: [2, 1], invalid: 1 })
    await log.issue()
    expect(await summary(history)).toMatchObject({ numbers: [3, 2, 1], invalid: 0 })
  })

  test('goes on behind a batch of pointers of which none leads to a record', async () => {
    const log = await logWith(3)
    const stray = await log.raw('stray')
    await log.issue({ previous: [stray] })
    expect(await summary(historyOf(log))).toMatchObject({ numbers: [4, 3, 2, 1], invalid: 1 })
  })

  test('counts a spoilt record once, though many records point at it', async () => {
    const log = await logWith(33)
    await log.record('spoilt')
    for (let i = 0; i < 70; i++) await log.issue()
    const { numbers, invalid } = await summary(historyOf(log))
    expect(numbers).toHaveLength(103)
    expect(invalid).toBe(1)
  })

  test('counts a spoilt record once when it is the last of 32 pointers', async () => {
    const log = await emptyLog()
    await log.newsletter()
    await log.record('spoilt')
    for (let i = 0; i < 32; i++) await log.issue()
    const { numbers, invalid } = await summary(historyOf(log))
    expect(numbers).toHaveLength(32)
    expect(invalid).toBe(1)
  })

  test('ends in a log of nothing but stray blocks', async () => {
    const log = await emptyLog()
    await log.raw(...Array.from({ length: 2_000 }, (_, i) => `stray ${i}`))
    const source = new CountingSource(log)
    const history = new History(source)
    expect(await summary(history)).toMatchObject({ numbers: [], profile: undefined, invalid: 1 })
    expect(source.reads.size).toBeLessThan(300)
    expect(await history.newest()).toBeUndefined()
    expect(await history.profile()).toBeUndefined()
  })

  test('walks a chain of single pointers to its end', async () => {
    const log = await logWith(1)
    for (let i = 0; i < 200; i++) await log.issue({ previous: log.records.slice(0, 1) })
    expect((await summary(historyOf(log))).numbers).toHaveLength(201)
  })

  test('finds the profile behind a pointer that does not lead to one', async () => {
    const log = await logWith(2)
    const [second = 0] = log.records
    await log.issue({ profile: second })
    expect((await historyOf(log).profile())?.index).toBe(0)
  })
})

describe('a log that is here in part', () => {
  test('counts missing records once, and lists them when they arrive', async () => {
    const log = await logWith(50)
    const source = new CountingSource(log)
    const history = new History(source)
    const [absent = 0] = log.records.slice(10)
    source.missing.add(absent)
    const first = await summary(history)
    expect(first.numbers).toHaveLength(49)
    expect(first.numbers).not.toContain(40)
    expect(first.missing).toBe(1)

    source.missing.clear()
    const second = await summary(history)
    expect(second.numbers).toHaveLength(50)
    expect(second.missing).toBe(0)
  })

  test('lists what is here while the head is missing', async () => {
    const log = await logWith(3)
    const source = new CountingSource(log)
    source.missing.add(log.core.length - 1)
    const history = new History(source)
    expect(await summary(history)).toMatchObject({ numbers: [2, 1], profile: 0, missing: 1 })
  })

  test('lists older records though all that the head points at are missing', async () => {
    const log = await logWith(60)
    const source = new CountingSource(log)
    for (const index of log.records.slice(1, 33)) source.missing.add(index)
    const { numbers, missing } = await summary(new History(source))
    expect(numbers).toHaveLength(60 - 32)
    expect(missing).toBe(32)
  })

  test('passes other failures on', async () => {
    const log = await logWith(1)
    const failing: BlockSource = {
      length: log.core.length,
      read: () => Promise.reject(new HyperletterError('ABORTED', 'Interrupted.')),
    }
    await expect(new History(failing).list()).rejects.toMatchObject({ code: 'ABORTED' })
  })
})
