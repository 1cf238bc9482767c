import type { FeedKey } from '../../format/keys/feed-key.ts'
import type { KeyValueLog } from '../../log/store/key-value-log.ts'

/** What a reader says of an issue: it was read; it should stay at hand. */
export type Mark = 'read' | 'star'

/** Where in the library a mark is. */
export function markKey(mark: Mark, feedKey: string, number: number): string {
  return `${mark}/${feedKey}/${String(number).padStart(10, '0')}`
}

interface Known {
  readonly numbers: Set<number>
  /** Block of the edition that was read, by number. */
  readonly editions: Map<number, number>
}

/**
 * The marks of issues, in the library's Hyperbee: `read/<feed key>/<number, 10 digits>` → block of the edition
 * that was read, or true where an earlier version wrote it; `star/…` → true. All of a kind are read at once when one is asked
 * for, and kept in memory: with many newsletters, each read alone would take seconds.
 */
export class Marks {
  readonly #log: KeyValueLog
  readonly #write: (feedKey: FeedKey, work: () => Promise<number>) => Promise<number>
  /** Of each newsletter that has any, by feed key. */
  readonly #known = new Map<Mark, Promise<Map<string, Known>>>()

  /** @param write runs one write after the other. */
  constructor(
    log: KeyValueLog,
    write: (feedKey: FeedKey, work: () => Promise<number>) => Promise<number>,
  ) {
    this.#log = log
    this.#write = write
  }

  /** Numbers of the issues that have a mark. The set changes with the marks. */
  async numbers(mark: Mark, feedKey: FeedKey): Promise<ReadonlySet<number>> {
    return (await this.#load(mark, feedKey)).numbers
  }

  /** Blocks of the editions that were read, by number, where they are known. They change with the marks. */
  async editionsRead(feedKey: FeedKey): Promise<ReadonlyMap<number, number>> {
    return (await this.#load('read', feedKey)).editions
  }

  /**
   * Sets or takes a mark, of all these issues at once.
   * @param editions blocks of the editions that were read, by number; an older one than before changes nothing.
   * @returns how many did not have it so before.
   */
  set(
    mark: Mark,
    feedKey: FeedKey,
    numbers: Iterable<number>,
    on: boolean,
    editions?: ReadonlyMap<number, number>,
  ): Promise<number> {
    return this.#write(feedKey, async () => {
      const known = await this.#load(mark, feedKey)
      // The log of the library only grows: what is so already is not written again.
      const isNewer = (it: number) => (editions?.get(it) ?? -1) > (known.editions.get(it) ?? -1)
      const changed = [...new Set(numbers)].filter(
        (it) => known.numbers.has(it) !== on || (on && isNewer(it)),
      )
      // That an edition was known to be read, and not which, is no change of the mark.
      const count = changed.filter(
        (it) => known.numbers.has(it) !== on || known.editions.has(it),
      ).length
      if (changed.length === 0) return 0
      const batch = (await this.#log.forWriting()).batch()
      try {
        for (const number of changed) {
          const key = markKey(mark, feedKey, number)
          await (on ? batch.put(key, editions?.get(number) ?? true) : batch.del(key))
        }
        await batch.flush()
      } catch (error) {
        await batch.close()
        throw error
      }
      for (const number of changed) {
        if (on) known.numbers.add(number)
        else known.numbers.delete(number)
        const edition = on ? editions?.get(number) : undefined
        if (edition === undefined) known.editions.delete(number)
        else known.editions.set(number, edition)
      }
      return count
    })
  }

  async #load(mark: Mark, feedKey: FeedKey): Promise<Known> {
    let reading = this.#known.get(mark)
    if (reading === undefined) {
      reading = this.#read(mark)
      this.#known.set(mark, reading)
      reading.catch(() => this.#known.delete(mark))
    }
    return knownOf(await reading, feedKey)
  }

  async #read(mark: Mark): Promise<Map<string, Known>> {
    const all = new Map<string, Known>()
    for await (const { key, value } of this.#log.entries({ gte: `${mark}/`, lt: `${mark}/~` })) {
      const [, feedKey = '', number] = key.split('/')
      const { numbers, editions } = knownOf(all, feedKey)
      numbers.add(Number(number))
      if (typeof value === 'number') editions.set(Number(number), value)
    }
    return all
  }
}

function knownOf(all: Map<string, Known>, feedKey: string): Known {
  const known = all.get(feedKey) ?? { numbers: new Set(), editions: new Map() }
  all.set(feedKey, known)
  return known
}
