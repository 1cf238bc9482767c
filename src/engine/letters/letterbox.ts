import { LRUCache } from 'lru-cache'
import { equal } from '../../format/bytes.ts'
import type { Crypto } from '../../format/crypto.ts'
import type { FeedKey } from '../../format/keys/feed-key.ts'
import {
  admittedBy,
  AHEAD_MS,
  CARRIED_MS,
  decodeEnvelope,
  isGenuine,
  isTimely,
  MAX_ENVELOPE_BYTES,
  workOf,
  type Envelope,
} from '../../format/letters/envelope.ts'
import { senderOf } from '../../format/letters/letter.ts'
import { muteOf, verifyStatement, type Statement } from '../../format/letters/statement.ts'

/** What one box holds at most. */
export const BOX_LETTERS = 256
export const BOX_BYTES = 2 * 1024 * 1024

/** Letters of one sender in a box, before one was published and after; and those that wait for an author. */
const LETTERS_OF_STRANGER = 3
const LETTERS_OF_KNOWN = 10
const WAITING_OF_STRANGER = 10
const WAITING_OF_FAVOURED = 128

export const SENDERS_OF_CODE = 8

/** Ids that are remembered: of what was displaced, for a day; of what reached the author, as long as letters are carried. */
const REMEMBERED = 4_096
const DISPLACED_MS = 86_400_000

/** Receipts that are passed on, and told to who comes later: the newest. */
const KEPT_RECEIPTS = 64

/** How long mutes count. Their author says them anew meanwhile. */
const MUTED_MS = 30 * 86_400_000

/** Worth of a letter by a sender of whom one was published, and of one who was admitted: more than any work. */
const KNOWN_WORTH = 2_000
const ADMITTED_WORTH = 1_000

export interface BoxRules {
  /** Letters of a sender, z-base-32, that wait for the author, whose box this is and is emptied at once. Absent elsewhere. */
  readonly waitingOf?: (sender: string) => number
  readonly isWanted: boolean
  /** Bits of work that let somebody write who was neither published nor admitted; Infinity where none do. */
  readonly workBits: number
  /** Whether an admission key, z-base-32, is one of the author's. */
  readonly isAdmissionKey: (key: string) => boolean
  /** Whether a letter of a sender, z-base-32, was published. */
  readonly isKnown: (sender: string) => boolean
}

/** `many`: as many of its sender are here as may be. `false`: no honest peer sends that. */
export type BoxVerdict = 'kept' | 'known' | 'refused' | 'full' | 'many' | 'false'

interface Said {
  readonly bytes: Uint8Array
  readonly at: number
  readonly names: ReadonlySet<string>
}

interface Kept extends Envelope {
  readonly sender: string
  readonly worth: number
}

/**
 * Sealed letters to the author of one newsletter, which this device carries. Bounded: published senders first, then
 * admitted ones, then more work, then who came first. Nothing in it can be read here but by the author.
 */
export class Letterbox {
  readonly feedKey: FeedKey
  readonly #crypto: Crypto
  readonly #now: () => number
  readonly #letters = new Map<string, Kept>()
  /** Ids that are not wanted any more, and whether the author has them. */
  readonly #settled: LRUCache<string, { readonly isReceived: boolean }>
  /** The newest receipts, to pass on. */
  #receipts: readonly Pick<Said, 'at' | 'bytes'>[] = []
  /** Admission key → senders whom it admits. */
  readonly #admitted = new Map<string, Set<string>>()
  #mutes: Said | undefined
  #bytes = 0

  constructor(feedKey: FeedKey, crypto: Crypto, now = Date.now) {
    this.feedKey = feedKey
    this.#crypto = crypto
    this.#now = now
    this.#settled = new LRUCache({ max: REMEMBERED })
  }

  get size(): number {
    return this.#letters.size
  }

  get bytes(): number {
    return this.#bytes
  }

  get(id: string): Envelope | undefined {
    return this.#letters.get(id)
  }

  /** Whether a letter is here, or is not wanted here any more. */
  has(id: string): boolean {
    return this.#letters.has(id) || this.#settled.has(id)
  }

  isReceived(id: string): boolean {
    return this.#settled.get(id)?.isReceived ?? false
  }

  /** Whether a letter goes before those that only work was done for. */
  isFavoured(id: string): boolean {
    return (this.#letters.get(id)?.worth ?? 0) >= ADMITTED_WORTH
  }

  /** All letters, those that are worth most first. */
  all(): readonly (Envelope & { readonly worth: number })[] {
    this.#dropOld()
    return [...this.#letters.values()].toSorted((a, b) => b.worth - a.worth)
  }

  /** Keeps a letter as it was kept before, by what it was worth then. */
  restore(bytes: Uint8Array, worth: number, maxBytes = BOX_BYTES): void {
    const envelope = decodeEnvelope(bytes, this.#crypto)
    if (envelope === undefined || this.has(envelope.id)) return
    if (this.size >= BOX_LETTERS || this.#bytes + bytes.byteLength > maxBytes) return
    this.#keep({ ...envelope, sender: senderOf(envelope.head), worth })
  }

  /** What the author said, to pass on: the newest receipts, and mutes while they count. */
  statements(): Uint8Array[] {
    const mutes = this.#currentMutes()
    const since = this.#now() - CARRIED_MS
    const receipts = this.#receipts.filter((it) => it.at > since)
    return [...receipts, ...(mutes === undefined ? [] : [mutes])].map((it) => it.bytes)
  }

  /**
   * Checks a letter, what is cheap first, and keeps it if there is room for what it is worth.
   * @param maxBytes of all letters here; less than `BOX_BYTES` where other boxes are full.
   */
  add(envelope: Envelope, rules: BoxRules, maxBytes = BOX_BYTES): BoxVerdict {
    const { id, head } = envelope
    if (this.has(id)) return 'known'
    if (!rules.isWanted || !isTimely(envelope, this.#now())) return 'refused'
    const sender = senderOf(head)
    const worth = this.worthOf(envelope, rules)
    // Nothing is remembered of it: a peer may have spoilt the stamp, or brought another content.
    if (worth === 0) return 'refused'
    if (this.#isTooMany(sender, worth, rules)) return 'many'
    const kept = { ...envelope, sender, worth }
    const room = Math.min(maxBytes, BOX_BYTES)
    if (!this.#mayFit(kept, room)) return 'full'
    if (!isGenuine(envelope, this.feedKey, this.#crypto)) return 'false'
    if (!this.#makeRoom(kept, room)) return 'full'
    this.#keep(kept)
    return 'kept'
  }

  /** Takes a statement of the author. @returns it where it is news; `false` where no honest peer sends it */
  settle(bytes: Uint8Array, signingKey: Uint8Array): Statement | 'known' | 'false' {
    const said = verifyStatement(bytes, this.feedKey, signingKey, this.#crypto)
    if (said === undefined) return 'false'
    const isNew = said.kind === 'mutes' ? this.#mute(said, bytes) : this.#receive(said, bytes)
    return isNew ? said : 'known'
  }

  // Older ones than are kept are no news: else receipts of more letters than are remembered would go round for ever.
  #receive({ at, names }: Statement, bytes: Uint8Array): boolean {
    if (at > this.#now() + AHEAD_MS || names.every((it) => this.isReceived(it))) return false
    if (this.#receipts.some((it) => equal(it.bytes, bytes))) return false
    const said = { at, bytes }
    const newest = [...this.#receipts, said].toSorted((a, b) => b.at - a.at).slice(0, KEPT_RECEIPTS)
    if (!newest.includes(said)) return false
    for (const id of names) {
      this.#remove(id)
      this.#settled.set(id, { isReceived: true }, { ttl: CARRIED_MS })
    }
    this.#receipts = newest
    return true
  }

  #mute({ at, names }: Statement, bytes: Uint8Array): boolean {
    if (at > this.#now() + AHEAD_MS || at <= (this.#mutes?.at ?? 0)) return false
    this.#mutes = { bytes, at, names: new Set(names) }
    for (const it of this.#letters.values()) if (this.#isMuted(it.sender)) this.#remove(it.id)
    return true
  }

  #currentMutes() {
    return (this.#mutes?.at ?? 0) > this.#now() - MUTED_MS ? this.#mutes : undefined
  }

  #isMuted(sender: string): boolean {
    const mutes = this.#currentMutes()
    return mutes !== undefined && mutes.names.has(muteOf(this.feedKey, sender, this.#crypto))
  }

  /** What a letter, or a line of a conversation, is worth; 0 where the rules do not let it in, or its author muted the sender. */
  worthOf(envelope: Envelope, rules: BoxRules): number {
    const sender = senderOf(envelope.head)
    if (this.#isMuted(sender)) return 0
    if (rules.isKnown(sender)) return KNOWN_WORTH
    const code = admittedBy(envelope, this.#crypto)
    if (code !== undefined && rules.isAdmissionKey(code) && this.#admit(code, sender)) {
      return ADMITTED_WORTH
    }
    const work = workOf(envelope, this.#crypto)
    return work >= rules.workBits ? work : 0
  }

  /** Bits of work that a letter of a stranger needs now to be kept; Infinity where no work is enough. */
  neededBits({ workBits }: BoxRules, maxBytes = BOX_BYTES): number {
    this.#dropOld()
    const room = Math.min(maxBytes, BOX_BYTES) - this.#bytes
    if (this.size < BOX_LETTERS && room >= MAX_ENVELOPE_BYTES) return workBits
    const least = Math.min(...[...this.#letters.values()].map((it) => it.worth))
    return least < ADMITTED_WORTH ? Math.max(workBits, least + 1) : Infinity
  }

  #admit(code: string, sender: string): boolean {
    const senders = this.#admitted.get(code) ?? new Set()
    if (senders.size >= SENDERS_OF_CODE && !senders.has(sender)) return false
    this.#admitted.set(code, senders.add(sender))
    return true
  }

  /** Whether there is room, or a letter that is worth less. */
  #mayFit(wanted: Kept, maxBytes: number): boolean {
    const fits = () => this.size < BOX_LETTERS && this.#bytes + wanted.bytes.byteLength <= maxBytes
    if (fits()) return true
    this.#dropOld()
    if (fits()) return true
    for (const it of this.#letters.values()) if (it.worth < wanted.worth) return true
    return false
  }

  #makeRoom(wanted: Kept, maxBytes: number): boolean {
    let [size, bytes] = [this.size + 1, this.#bytes + wanted.bytes.byteLength]
    const fits = () => size <= BOX_LETTERS && bytes <= maxBytes
    if (fits()) return true
    const going: string[] = []
    // Those that are worth least; of equal ones the last that came.
    for (const it of this.all().toReversed()) {
      if (fits() || it.worth >= wanted.worth) break
      going.push(it.id)
      size--
      bytes -= it.bytes.byteLength
    }
    if (!fits()) return false
    for (const id of going) {
      this.#remove(id)
      this.#settled.set(id, { isReceived: false }, { ttl: DISPLACED_MS })
    }
    return true
  }

  #keep(letter: Kept): void {
    this.#letters.set(letter.id, letter)
    this.#bytes += letter.bytes.byteLength
  }

  #dropOld(): void {
    const now = this.#now()
    for (const it of this.#letters.values()) if (!isTimely(it, now)) this.#remove(it.id)
  }

  #isTooMany(sender: string, worth: number, { waitingOf }: BoxRules): boolean {
    const here = [...this.#letters.values()].filter((it) => it.sender === sender).length
    if (waitingOf !== undefined) {
      const most = worth < ADMITTED_WORTH ? WAITING_OF_STRANGER : WAITING_OF_FAVOURED
      return here + waitingOf(sender) >= most
    }
    return here >= (worth === KNOWN_WORTH ? LETTERS_OF_KNOWN : LETTERS_OF_STRANGER)
  }

  #remove(id: string): void {
    const found = this.#letters.get(id)
    if (found === undefined) return
    this.#letters.delete(id)
    this.#bytes -= found.bytes.byteLength
  }
}
