import * as z from 'zod'
import { readChecked, replaceChecked } from '../../atomic-file.ts'
import { DebouncedTask } from '../../async.ts'
import type { FeedKey } from '../../format/keys/feed-key.ts'
import type { Mark } from './marks.ts'

export const LIBRARY_NAME = 'hyperletter/library'

/** Where its copy is in the data directory. */
export const LIBRARY_COPY = 'library.json'

const copiedNewsletter = z.strictObject({
  entry: z.looseObject({ feedKey: z.string() }),
  /** Numbers of issues, such as `1-30,32`. */
  read: z.string(),
  star: z.string(),
})

const copyHeader = z.object({ length: z.int().nonnegative() })

/** What the copy has of one newsletter: its entry as the library stores it, and its marks. */
export type CopiedNewsletter = z.infer<typeof copiedNewsletter>

export interface LibrarySnapshot {
  /** Blocks that the log of the library had, or more: one that has fewer lost some. */
  readonly length: number
  readonly newsletters: ReadonlyMap<string, CopiedNewsletter>
}

export interface CopiedLibrary {
  readonly length: () => Promise<number>
  readonly list: () => readonly { readonly feedKey: FeedKey }[]
  readonly get: (feedKey: FeedKey) => { readonly feedKey: FeedKey } | undefined
  readonly numbers: (mark: Mark, feedKey: FeedKey) => Promise<ReadonlySet<number>>
}

const DELAY_MS = 500

/** A copy that could not be written is tried again after this. */
const RETRY_MS = 10 * 60_000

/**
 * A copy of the library outside of the store: its length, and a line with an array of newsletters. It holds encryption keys, in a file for this user alone.
 */
export class LibraryCopy {
  readonly #path: string
  readonly #library: CopiedLibrary
  readonly #task: DebouncedTask
  /** What the file lacks; everything when undefined. */
  #changed: Set<FeedKey> | undefined

  /** @param isWhole whether the file has all of the library now. */
  constructor(path: string, library: CopiedLibrary, isWhole: boolean) {
    this.#path = path
    this.#library = library
    this.#changed = isWhole ? new Set() : undefined
    this.#task = new DebouncedTask({
      run: () => this.#write(),
      onFailure: () => undefined,
      delayMs: DELAY_MS,
      everyMs: RETRY_MS,
    })
    if (!isWhole) this.#task.schedule()
  }

  /** The entry of a newsletter or its marks changed. */
  onChange(feedKey: FeedKey): void {
    this.#changed?.add(feedKey)
    this.#task.schedule()
  }

  /** Writes now what the file lacks. @throws DISK_FULL, READ_ONLY */
  flush(): Promise<void> {
    return this.#task.runNow()
  }

  async close(): Promise<void> {
    // The store has it all; the next change writes it.
    await this.flush().catch(() => undefined)
    await this.#task.close()
  }

  async #write(): Promise<void> {
    const changed = this.#changed
    if (changed?.size === 0) return
    this.#changed = new Set()
    try {
      const length = await this.#library.length()
      const before = changed && (await readCopy(this.#path))
      const newsletters = new Map(before?.newsletters)
      const keys = before === undefined ? this.#library.list().map((it) => it.feedKey) : changed
      for (const feedKey of keys ?? []) {
        const entry = this.#library.get(feedKey)
        if (entry === undefined) newsletters.delete(feedKey)
        else newsletters.set(feedKey, await this.#copied(feedKey, entry))
      }
      const body = `${JSON.stringify([...newsletters.values()])}\n`
      await replaceChecked(this.#path, { length }, [Buffer.from(body)])
    } catch (error) {
      for (const it of this.#changed) changed?.add(it)
      this.#changed = changed
      throw error
    }
  }

  async #copied(feedKey: FeedKey, entry: { feedKey: FeedKey }): Promise<CopiedNewsletter> {
    const [read, star] = await Promise.all([
      this.#library.numbers('read', feedKey),
      this.#library.numbers('star', feedKey),
    ])
    return { entry, read: formatNumbers(read), star: formatNumbers(star) }
  }
}

/** What a copy holds; undefined where there is none, or none that is as it was written. */
export async function readCopy(path: string): Promise<LibrarySnapshot | undefined> {
  try {
    const { facts, body } = await readChecked(path)
    const { length } = copyHeader.parse(facts)
    const newsletters = z.array(copiedNewsletter).parse(JSON.parse(body.toString('utf8')))
    return { length, newsletters: new Map(newsletters.map((it) => [it.entry.feedKey, it])) }
  } catch {
    return undefined
  }
}

/** Numbers as ranges in ascending order, such as `1-30,32`. */
export function formatNumbers(numbers: ReadonlySet<number>): string {
  const ranges: [first: number, last: number][] = []
  for (const number of [...numbers].toSorted((a, b) => a - b)) {
    const range = ranges.at(-1)
    if (range?.[1] === number - 1) range[1] = number
    else ranges.push([number, number])
  }
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join()
}

/** What `formatNumbers` was given. */
export function parseNumbers(text: string): number[] {
  if (text === '') return []
  return text.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number)
    return Array.from({ length: last - first + 1 }, (_, i) => first + i)
  })
}
