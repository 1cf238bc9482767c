import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { type HyperletterError, invalidInput } from '../errors.ts'
import type { IssueSummary, NewsletterSummary } from '../site/pages/parts.ts'
import type { Operations } from '../api/contract/contract.ts'

/** A request gets at most this many items. */
const MAX_ITEMS = 1_000
const DEFAULT_ITEMS = 20

/** Tags and streams that a request may name to leave out, or to be had alone. */
const MAX_TAGS = 100

/** Tags and streams of the Google Reader API. */
export const READ = 'user/-/state/com.google/read'
export const UNREAD = 'user/-/state/com.google/kept-unread'
export const STARRED = 'user/-/state/com.google/starred'
export const ALL = 'user/-/state/com.google/reading-list'

/** Issues with what sorts and continues a stream of them. */
export interface StreamItem {
  readonly issue: IssueSummary
  readonly id: bigint
  readonly timeMs: number
}

/** A stream or tag, with the user that some apps name left out. */
export function streamIn(text: string): string {
  return text.replace(/^user\/[^/]+\//, 'user/-/')
}

/** The stream of a newsletter. */
export function streamOf(feedKey: string): string {
  return `feed/${feedKey}`
}

/** Of issues that can be read, newest first. */
export function itemsOf(issues: readonly IssueSummary[]): StreamItem[] {
  return issues
    .filter((it) => it.held)
    .map((issue) => ({
      issue,
      id: itemId(issue),
      timeMs: Date.parse(issue.arrivedAt ?? issue.publishedAt),
    }))
    .toSorted((a, b) => b.timeMs - a.timeMs || (b.id > a.id ? 1 : -1))
}

/** What of a stream is asked for: `n`, `r`, `c`, `ot` and `nt` (seconds), `xt` and `it`. @throws INVALID_INPUT */
export function page(all: readonly StreamItem[], asked: URLSearchParams) {
  const most = numberIn(asked, 'n', DEFAULT_ITEMS)
  const [fromMs, toMs] = [numberIn(asked, 'ot', 0) * 1_000, numberIn(asked, 'nt', Infinity) * 1_000]
  const [without, only] = [tagsIn(asked, 'xt'), tagsIn(asked, 'it')]
  const wanted = all.filter(
    (it) =>
      it.timeMs >= fromMs &&
      it.timeMs <= toMs &&
      !without.some((tag) => hasTag(it, tag)) &&
      only.every((tag) => hasTag(it, tag)),
  )
  const ordered = asked.get('r') === 'o' ? wanted.toReversed() : wanted
  const start = startAt(ordered, asked)
  const items = ordered.slice(start, start + Math.min(Math.max(most, 1), MAX_ITEMS))
  const last = items.at(-1)
  const isWhole = last === undefined || start + items.length >= ordered.length
  return { items, continuation: isWhole ? {} : { continuation: `${last.timeMs}-${last.id}` } }
}

// By where the last page ended, not by a number: what was read since may have left the stream.
function startAt(ordered: readonly StreamItem[], asked: URLSearchParams): number {
  const continued = asked.get('c') ?? ''
  if (continued === '') return 0
  const { time, id } = /^(?<time>\d{1,16})-(?<id>\d{1,19})$/.exec(continued)?.groups ?? {}
  if (time === undefined || id === undefined) throw invalid('c')
  const isOldestFirst = asked.get('r') === 'o'
  const start = ordered.findIndex((it) => {
    const order = it.timeMs - Number(time) || (it.id > BigInt(id) ? 1 : it.id < BigInt(id) ? -1 : 0)
    return isOldestFirst ? order > 0 : order < 0
  })
  return start < 0 ? ordered.length : start
}

// Each is looked for in each item.
function tagsIn(asked: URLSearchParams, name: string): string[] {
  const tags = new Set(asked.getAll(name).map(streamIn))
  if (tags.size > MAX_TAGS) throw invalid(name)
  return [...tags]
}

function hasTag({ issue }: StreamItem, tag: string): boolean {
  if (tag === READ) return issue.read
  if (tag === STARRED) return issue.starred
  return tag === ALL || tag === streamOf(issue.feedKey)
}

function numberIn(asked: URLSearchParams, name: string, otherwise: number): number {
  const text = asked.get(name) ?? ''
  if (text === '') return otherwise
  if (!/^\d{1,15}$/.test(text)) throw invalid(name)
  return Number(text)
}

/** When an item came, as the API writes times; the beginning of time for none. */
export function microseconds(item: StreamItem | undefined): string {
  return item === undefined ? '0' : `${item.timeMs}000`
}

/** That a request has a parameter that means nothing here. */
export function invalid(name: string): HyperletterError {
  return invalidInput(`Not known here: the parameter ${name}.`)
}

/** Bits of the number of an issue; a log has at most 2^24 blocks. */
const NUMBER_BITS = 24n
const NUMBER_MASK = (1n << NUMBER_BITS) - 1n

/** The Google Reader API has 64 bits with a sign for an item; negative ones are not needed. */
const KEY_BITS = 63n - NUMBER_BITS

const LONG = 'tag:google.com,2005:reader/item/'

interface IssueRef {
  readonly feedKey: string
  readonly number: number
}

/** The same number for an issue on every machine: a hash of the key of its newsletter, and its own number. */
function itemId({ feedKey, number }: IssueRef): bigint {
  return (keyBits(feedKey) << NUMBER_BITS) | (BigInt(number) & NUMBER_MASK)
}

/** As documents write it. */
export function longId(id: bigint): string {
  return LONG + id.toString(16).padStart(16, '0')
}

/** Which issue it is of these newsletters: long, in 16 hexadecimal digits, or decimal. */
function parseItemId(text: string, feedKeys: readonly string[]): IssueRef | undefined {
  const hex = text.startsWith(LONG) ? text.slice(LONG.length) : text
  const ids = [
    ...(/^[0-9a-f]{16}$/i.test(hex) ? [BigInt(`0x${hex}`)] : []),
    // Sixteen decimal digits may be hexadecimal ones, too: one of both is an issue.
    ...(/^\d{1,19}$/.test(text) ? [BigInt(text)] : []),
  ]
  for (const id of ids) {
    const feedKey = feedKeys.find((it) => keyBits(it) === id >> NUMBER_BITS)
    if (feedKey !== undefined) return { feedKey, number: Number(id & NUMBER_MASK) }
  }
  return undefined
}

/** Of the newsletters that were asked for last: a list has thousands of issues of few of them. */
const known = new LRUCache<string, bigint>({ max: 10_000 })

function keyBits(feedKey: string): bigint {
  const before = known.get(feedKey)
  if (before !== undefined) return before
  const hash = createHash('sha256').update(feedKey).digest()
  const bits = hash.readBigUInt64BE() >> (64n - KEY_BITS)
  known.set(feedKey, bits)
  return bits
}

/** Issues that `markIssues` takes at once. */
const MAX_MARKED = 10_000

type ItemOperations = Pick<
  Operations,
  'listInbox' | 'listIssues' | 'listNewsletters' | 'markIssues'
>

/** What feed apps ask for and mark, in the library here. */
export class LibraryItems {
  readonly #operations: ItemOperations

  constructor(operations: ItemOperations) {
    this.#operations = operations
  }

  /** The newsletters that are followed, and have been heard of. */
  async followed(): Promise<NewsletterSummary[]> {
    const all = await this.#operations.listNewsletters({})
    return all.filter((it) => it.roles.includes('subscriber') && it.title !== undefined)
  }

  /** @throws INVALID_INPUT for a stream that is none of ours. */
  async stream(given: string): Promise<StreamItem[]> {
    const id = streamIn(given)
    if (id === ALL) return itemsOf(await this.#operations.listInbox({ show: 'all' }))
    if (id === STARRED) return itemsOf(await this.#operations.listInbox({ show: 'starred' }))
    if (id === READ) {
      return itemsOf((await this.#operations.listInbox({ show: 'all' })).filter((it) => it.read))
    }
    const found = (await this.followed()).find((it) => streamOf(it.feedKey) === id)
    if (found === undefined) throw invalid('s')
    return itemsOf(await this.#operations.listIssues({ newsletter: found.feedKey }))
  }

  /** The items of these ids. @throws INVALID_INPUT if one is not here. */
  async named(ids: readonly string[]): Promise<StreamItem[]> {
    if (ids.length === 0 || ids.length > MAX_ITEMS) throw invalid('i')
    const newsletters = (await this.#operations.listNewsletters({})).map((it) => it.feedKey)
    const numbers = new Map<string, Set<number>>()
    for (const text of ids) {
      const { feedKey, number } = parseItemId(text, newsletters) ?? {}
      if (feedKey === undefined || number === undefined) throw invalid('i')
      numbers.set(feedKey, (numbers.get(feedKey) ?? new Set()).add(number))
    }
    const found: IssueSummary[] = []
    for (const [newsletter, wanted] of numbers) {
      const all = await this.#operations.listIssues({ newsletter })
      const here = all.filter((it) => wanted.has(it.number))
      if (here.length < wanted.size) throw invalid('i')
      found.push(...here)
    }
    return itemsOf(found)
  }

  /** Marks items as read or unread, newsletter by newsletter. */
  async markRead(items: readonly StreamItem[], read: boolean): Promise<void> {
    for (const newsletter of new Set(items.map((it) => it.issue.feedKey))) {
      const some = items.filter((it) => it.issue.feedKey === newsletter)
      for (let start = 0; start < some.length; start += MAX_MARKED) {
        const numbers = some.slice(start, start + MAX_MARKED).map((it) => it.issue.number)
        await this.#operations.markIssues({ newsletter, numbers, read })
      }
    }
  }
}
