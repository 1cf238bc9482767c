import type { FeedKey } from '../../format/keys/feed-key.ts'
import type { KeyValueLog } from '../../log/store/key-value-log.ts'

/** What a reader says of an issue: it was read; it should stay at hand. */
export type Mark = 'read' | 'star'

/** Where in the library a mark is. */
export function markKey(mark: Mark, feedKey: string, number: number): string {
  return `${mark}/${feedKey}/${String(number).padStart(10, '0')}`
}

/**
 * The marks of issues, in the library's Hyperbee: `read/<feed key>/<number, 10 digits>` → true, and
 * `star/…` in the same way. Those of a newsletter are kept in memory once they were asked for.
 */
export class Marks {
  readonly #log: KeyValueLog
  readonly #write: (feedKey: FeedKey, work: () => Promise<number>) => Promise<number>
  readonly #known = new Map<string, Promise<Set<number>>>()

  /** @param write runs one write after the other. */
  constructor(
    log: KeyValueLog,
    write: (feedKey: FeedKey, work: () => Promise<number>) => Promise<number>,
  ) {
    this.#log = log
    this.#write = write
  }

  /** Numbers of the issues that have a mark. The set changes with the marks. */
  numbers(mark: Mark, feedKey: FeedKey): Promise<ReadonlySet<number>> {
    return this.#load(`${mark}/${feedKey}/`)
  }

  /** Sets or takes a mark, of all these issues at once. @returns how many did not have it so before. */
  set(mark: Mark, feedKey: FeedKey, numbers: Iterable<number>, on: boolean): Promise<number> {
    const prefix = `${mark}/${feedKey}/`
    return this.#write(feedKey, async () => {
      const known = await this.#load(prefix)
      // The log of the library only grows: what is so already is not written again.
      const changed = [...new Set(numbers)].filter((it) => known.has(it) !== on)
      if (changed.length === 0) return 0
      const batch = (await this.#log.forWriting()).batch()
      try {
        for (const number of changed) {
          const key = markKey(mark, feedKey, number)
          await (on ? batch.put(key, true) : batch.del(key))
        }
        await batch.flush()
      } catch (error) {
        await batch.close()
        throw error
      }
      for (const number of changed) {
        if (on) known.add(number)
        else known.delete(number)
      }
      return changed.length
    })
  }

  #load(prefix: string): Promise<Set<number>> {
    const known = this.#known.get(prefix)
    if (known !== undefined) return known
    const loading = this.#read(prefix)
    this.#known.set(prefix, loading)
    loading.catch(() => this.#known.delete(prefix))
    return loading
  }

  async #read(prefix: string): Promise<Set<number>> {
    const numbers = new Set<number>()
    for await (const { key } of this.#log.entries({ gte: prefix, lt: `${prefix}~` })) {
      numbers.add(Number(key.slice(prefix.length)))
    }
    return numbers
  }
}
