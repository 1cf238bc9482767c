import { createHash } from 'node:crypto'
import { mapSome } from '../../async.ts'
import type { Engine } from '../../engine/engine.ts'
import type { LibraryEntry } from '../../engine/library/library.ts'
import type { SearchIndex } from '../../engine/search/search-index.ts'
import { plainText } from '../../engine/search/text/plain-text.ts'
import { hasCode, ifCode } from '../../errors.ts'
import type { Feed } from '../../format/feed.ts'
import {
  contentRange,
  newestEdition,
  type Edition,
  type ListedLetter,
} from '../../format/history/corrections.ts'
import type { Listing } from '../../format/history/listing.ts'
import { wantedLetters, type ShownLetter } from '../../format/letters/shown.ts'
import { INLINE_LENGTH, inWorker } from '../../text-worker/text-worker.ts'
import { shownLetters } from '../letters/listing.ts'

const LOCAL = { wait: false }

const READ_AT_ONCE = 16

/**
 * Brings an index up to what is on this machine by comparing it with the logs: what arrived or was
 * amended is read and added, what was retracted or left the library is removed.
 */
export class CatchUp {
  readonly #engine: Engine
  readonly #index: SearchIndex
  // A listing is the same object until its log changes; these are in the index as they are.
  readonly #done = new WeakSet<Listing>()

  constructor(engine: Engine, index: SearchIndex) {
    this.#engine = engine
    this.#index = index
  }

  /** Throws the reason of an aborted signal; what was read until then is kept. */
  async run(signal: AbortSignal | undefined): Promise<void> {
    const entries = this.#engine.library.list()
    const here = new Set<string>(entries.map((it) => it.feedKey))
    for (const feedKey of this.#index.feedKeys()) {
      if (!here.has(feedKey)) this.#index.removeFeed(feedKey)
    }
    for (const entry of entries) await this.#catchUp(entry, signal)
  }

  async #catchUp(entry: LibraryEntry, signal: AbortSignal | undefined): Promise<void> {
    try {
      await using session = await this.#engine.open(entry)
      const { feed } = session
      const listing = await feed.list(LOCAL)
      if (this.#done.has(listing)) return
      const isAllThere = await this.#compare(feed, listing, signal)
      if (isAllThere) this.#done.add(listing)
    } catch (error) {
      // A newsletter that cannot be read must not keep the others from being searched.
      if (!hasCode(error, 'NEEDS_KEY', 'NOT_AVAILABLE')) throw error
    }
  }

  async #compare(feed: Feed, listing: Listing, signal: AbortSignal | undefined): Promise<boolean> {
    const { issues, letters, missing } = listing
    const index = this.#index
    const wanted: Wanted[] = []
    const gone = new Set(missing === 0 ? index.numbersOf(feed.feedKey) : [])
    for (const issue of issues) {
      const { number } = issue.record
      const edition = newestEdition(issue)
      if (issue.retraction !== undefined) {
        gone.add(number)
        continue
      }
      gone.delete(number)
      const about = wantedLetters(letters, number)
      const version = versionOf(feed, edition, about)
      if (index.editionOf(feed.feedKey, number) !== version)
        wanted.push({ number, edition, version, letters: about })
    }
    for (const number of gone) index.remove(feed.feedKey, number)
    // Oldest first, as they will arrive from here on. Others go on while the worker has a long one.
    const added = await mapSome(
      wanted.toReversed(),
      READ_AT_ONCE,
      async (it) => signal?.aborted !== true && this.#add(feed, it),
    )
    signal?.throwIfAborted()
    const isHeld = (it: ListedLetter) => feed.holds(contentRange(it))
    return missing === 0 && added.every(Boolean) && wantedLetters(letters).every(isHeld)
  }

  /** @returns false if the text is not here yet. */
  async #add(feed: Feed, { number, edition, version, ...wanted }: Wanted): Promise<boolean> {
    if (!feed.holds(contentRange(edition.record.body))) return false
    const { title, summary, tags, authors } = edition.record
    const markdown = await readText(feed, edition)
    // One that takes too long is found by its head, as one that cannot be read.
    const text =
      markdown.length <= INLINE_LENGTH
        ? plainText(markdown)
        : ((await inWorker('terms', { text: markdown })) ?? '')
    const letters = (await shownLetters(feed, wanted.letters)).flatMap(wordsOf)
    this.#index.add(
      { feedKey: feed.feedKey, number, edition: version },
      { title, text, letters, summary, tags, authors: authors?.map((it) => it.name) },
    )
    return true
  }
}

/** What is to be in the index. */
interface Wanted {
  readonly number: number
  readonly edition: Edition
  readonly version: number
  readonly letters: readonly ListedLetter[]
}

/** Blocks of a log are fewer: above it is a number of the letters. */
const MAX_BLOCKS = 2 ** 24

// What tells a text with its letters from others of the same issue.
function versionOf(feed: Feed, { index }: Edition, letters: readonly ListedLetter[]): number {
  if (letters.length === 0) return index
  const facts = letters.map((it) => [it.number, it.answer, feed.holds(contentRange(it))])
  const hash = createHash('sha256').update(JSON.stringify(facts)).digest()
  return (1 + (hash.readUInt32BE() >>> 5)) * MAX_BLOCKS + index
}

/** What of a letter can be found. */
export function wordsOf({ name, text, answer }: ShownLetter): string[] {
  return [name ?? '', text, answer ?? '']
}

// An issue whose text is not what its record says is found by its head.
async function readText(feed: Feed, edition: Edition): Promise<string> {
  return feed.readBody(edition, LOCAL).catch(ifCode('', 'INVALID_RECORD', 'TOO_LARGE'))
}
