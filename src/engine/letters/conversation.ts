import { LRUCache } from 'lru-cache'
import type { Crypto } from '../../format/crypto.ts'
import type { FeedKey, EncryptionKey } from '../../format/keys/feed-key.ts'
import { AHEAD_MS, isGenuine, type Envelope } from '../../format/letters/envelope.ts'
import { senderOf, type LetterContent } from '../../format/letters/letter.ts'
import { decodeLine, isLaterLine, lineContent, talkKeyOf } from '../../format/letters/line.ts'
import type { Feed } from '../../format/feed.ts'
import { nativeCrypto } from '../../log/keys.ts'
import type { LetterDesk } from './letter-desk.ts'
import type { BoxRules } from './letterbox.ts'

/** What is kept of one conversation, in memory only. */
export const MAX_LINES = 200
const MAX_BYTES = 256 * 1_024
const KEPT_MS = 86_400_000

/** Lines of one sender that are kept, so that nobody pushes out all others. */
const LINES_OF_SENDER = 50

/** Lines that one sender may say within a time: five at once, and one each three seconds. */
const BURST = { lines: 5, withinMs: 15_000 }

/** Ids that are remembered, of lines that were dropped or refused. */
const REMEMBERED = 4_096

export interface SaidLine {
  readonly id: string
  /** The sender's key for this newsletter. */
  readonly from: string
  readonly writtenAt: number
  readonly content: LetterContent
}

interface Kept extends SaidLine {
  readonly envelope: Envelope
}

export interface TalkRules {
  /** 0 where a line is not let in. */
  readonly worthOf: (line: Envelope) => number
  /** Of a private newsletter. */
  readonly talkKey: Uint8Array | undefined
}

export type LineVerdict = 'new' | 'known' | 'refused' | 'false'

/** What is said now among the readers of one newsletter. Signed, bounded, not moderated, and never on disk. */
export class Conversation {
  readonly #feedKey: FeedKey
  readonly #crypto: Crypto
  readonly #now: () => number
  readonly #lines = new Map<string, Kept>()
  readonly #seen = new LRUCache<string, true>({ max: REMEMBERED })
  readonly #hidden = new Set<string>()
  readonly #listeners = new Set<(line: SaidLine) => void>()
  #bytes = 0

  constructor(feedKey: FeedKey, crypto: Crypto, now = Date.now) {
    this.#feedKey = feedKey
    this.#crypto = crypto
    this.#now = now
  }

  /** Takes a line, what is cheap to check first. */
  add(bytes: Uint8Array, { worthOf, talkKey }: TalkRules): LineVerdict {
    const envelope = decodeLine(bytes, talkKey, this.#crypto)
    if (envelope === undefined) return isLaterLine(bytes) ? 'refused' : 'false'
    const { id, head } = envelope
    if (this.has(id)) return 'known'
    const from = senderOf(head)
    if (!this.#isTimely(head.writtenAt) || this.#isTooMuch(from, head.writtenAt)) {
      this.#seen.set(id, true)
      return 'refused'
    }
    // Nothing is remembered of it: a peer may have spoilt the stamp.
    if (worthOf(envelope) === 0) return 'refused'
    if (!isGenuine(envelope, this.#feedKey, this.#crypto)) return 'false'
    this.#seen.set(id, true)
    const content = lineContent(envelope, talkKey, this.#crypto)
    if (content === undefined) return 'refused'
    const line = { id, from, writtenAt: head.writtenAt, content, envelope }
    this.#lines.set(id, line)
    this.#bytes += bytes.byteLength
    this.#makeRoom(from)
    if (!this.#hidden.has(from)) for (const listener of this.#listeners) listener(line)
    return 'new'
  }

  has(id: string): boolean {
    return this.#seen.has(id) || this.#lines.has(id)
  }

  /** A line as it was signed. */
  get(id: string): Uint8Array | undefined {
    return this.#lines.get(id)?.envelope.bytes
  }

  ids(): string[] {
    this.#dropOld()
    return [...this.#lines.keys()]
  }

  /** What is shown here, in the order in which it was written. */
  lines(): SaidLine[] {
    this.#dropOld()
    return [...this.#lines.values()]
      .filter((it) => !this.#hidden.has(it.from))
      .toSorted((a, b) => a.writtenAt - b.writtenAt)
  }

  /** Shows no line of a sender here, until this process ends. */
  hide(from: string): void {
    this.#hidden.add(from)
  }

  /** Tells of each line that comes from now on. @returns ends it. */
  listen(listener: (line: SaidLine) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #isTimely(writtenAt: number): boolean {
    const now = this.#now()
    return writtenAt > now - KEPT_MS && writtenAt < now + AHEAD_MS
  }

  // By the times that were signed, so that what is told to somebody who comes later counts as it did.
  #isTooMuch(from: string, writtenAt: number): boolean {
    let near = 0
    for (const it of this.#lines.values()) {
      const isNear = Math.abs(it.writtenAt - writtenAt) < BURST.withinMs
      if (it.from === from && isNear && ++near >= BURST.lines) return true
    }
    return false
  }

  #makeRoom(from: string): void {
    this.#dropOld()
    const ofSender = [...this.#lines.values()].filter((it) => it.from === from)
    const [oldest] = ofSender
    if (ofSender.length > LINES_OF_SENDER && oldest !== undefined) this.#drop(oldest)
    for (const it of this.#lines.values()) {
      if (this.#lines.size <= MAX_LINES && this.#bytes <= MAX_BYTES) return
      this.#drop(it)
    }
  }

  #dropOld(): void {
    for (const it of this.#lines.values()) if (!this.#isTimely(it.writtenAt)) this.#drop(it)
  }

  #drop({ id, envelope }: Kept): void {
    if (this.#lines.delete(id)) this.#bytes -= envelope.bytes.byteLength
  }
}

const MOST = 64

const LOCAL = { wait: false }

export interface ConversationsOptions {
  readonly letters: {
    desk(feed: Feed): Promise<LetterDesk>
    rules(feed: Feed): Promise<BoxRules>
  }
  /** Of a private newsletter. */
  readonly encryptionKeyOf: (feedKey: FeedKey) => EncryptionKey | undefined
}

/** What is said now about the newsletters of this device. */
export class Conversations {
  readonly #options: ConversationsOptions
  readonly #all = new LRUCache<FeedKey, Conversation>({ max: MOST })

  constructor(options: ConversationsOptions) {
    this.#options = options
  }

  /** Undefined where nothing was said or asked for: most newsletters have none, which push out no other. */
  known({ feedKey }: Pick<Feed, 'feedKey'>): Conversation | undefined {
    return this.#all.get(feedKey)
  }

  of({ feedKey }: Pick<Feed, 'feedKey'>): Conversation {
    const known = this.#all.get(feedKey)
    if (known !== undefined) return known
    const conversation = new Conversation(feedKey, nativeCrypto)
    this.#all.set(feedKey, conversation)
    return conversation
  }

  /** What a line has to have; undefined unless the author has opened a conversation. */
  async rules(feed: Feed): Promise<TalkRules | undefined> {
    const profile = await feed.profile(LOCAL).catch(() => undefined)
    if (profile?.letters?.talk !== true) return undefined
    const { letters } = this.#options
    const [desk, rules] = [await letters.desk(feed), await letters.rules(feed)]
    const key = this.#options.encryptionKeyOf(feed.feedKey)
    return {
      worthOf: (line) => desk.box.worthOf(line, rules),
      talkKey: key && talkKeyOf(feed.feedKey, key),
    }
  }
}
