import { SerialQueue } from '../../async.ts'
import type { FeedKey } from '../../format/keys/feed-key.ts'
import { isTimely, type Envelope } from '../../format/letters/envelope.ts'
import { LETTER_ID_BYTES, senderOf } from '../../format/letters/letter.ts'
import { hex } from '../../hex.ts'
import { nativeCrypto } from '../../log/keys.ts'
import {
  readLetterFile,
  writeLetterFile,
  type OwnLetters,
  type Received,
  type Sent,
} from './letter-file.ts'
import { Letterbox } from './letterbox.ts'

/** Letters of strangers that wait for an author, and all letters. What is more stays with those who carry it. */
const MAX_OF_STRANGERS = 1_000
const MAX_WAITING = 4_000

/** Decisions that are remembered, so that a letter that comes again is known. */
const MAX_DECIDED = 8_192

/** Letters of this user that are listed: those that were received go first. */
const MAX_SENT = 1_000

/** How long a sender offers a letter, signed anew every 14 days. */
export const OFFERED_MS = 60 * 86_400_000

const NOTHING: OwnLetters = { sent: [], inbox: [], lastNumber: 0, decided: [], blocked: [] }

/**
 * All letters of one newsletter on this device: those that it carries, those of its user, and, for an author, those that
 * arrived. In one file; what its user wrote or was told of is on disk before anybody is told.
 */
export class LetterDesk {
  readonly box: Letterbox
  readonly #path: string
  readonly #changes = new SerialQueue()
  readonly #decisions = new SerialQueue()
  #own = NOTHING
  #index: Index | undefined
  /** Peers that took a letter of this user, by its id. */
  readonly #takenBy = new Map<string, Set<string>>()
  /** Of letters of this user that a peer did not take, by id: the bits of work that it asked for. */
  readonly #refused = new Map<string, number>()

  private constructor(path: string, feedKey: FeedKey) {
    this.#path = path
    this.box = new Letterbox(feedKey, nativeCrypto)
  }

  /**
   * @param options.signingKey of the newsletter, where it is known.
   * @param options.maxBytes that letters of others may take.
   */
  static async open(
    path: string,
    feedKey: FeedKey,
    options: { readonly signingKey: Uint8Array | undefined; readonly maxBytes: number },
  ): Promise<LetterDesk> {
    const { signingKey, maxBytes } = options
    const desk = new LetterDesk(path, feedKey)
    const found = await readLetterFile(path)
    if (found === undefined) return desk
    desk.#own = found.own
    for (const it of found.box) desk.box.restore(it.bytes, it.worth, maxBytes)
    if (signingKey === undefined) return desk
    for (const it of found.said) desk.box.settle(it, signingKey)
    return desk
  }

  /** Writes all of it. @throws DISK_FULL */
  save(): Promise<void> {
    return this.#change((it) => it)
  }

  idle(): Promise<void> {
    return this.#changes.idle()
  }

  /**
   * Ids of letters that peers can have here: favoured ones first, then those of this user, then those that are worth most.
   * @returns how many are favoured, too.
   */
  offered(most: number): { readonly ids: string[]; readonly favoured: number } {
    const now = Date.now()
    const sent = this.#own.sent.filter((it) => !it.isReceived && isTimely(it.letter, now))
    const all = [...sent.map((it) => it.letter), ...this.box.all()]
    const isFavoured = ({ id, stamp }: Envelope) =>
      this.box.get(id) === undefined ? stamp.kind !== 'work' : this.box.isFavoured(id)
    const favoured = all.filter(isFavoured).slice(0, most)
    const others = all.filter((it) => !isFavoured(it))
    const ids = [...favoured, ...others].slice(0, most).map((it) => it.id)
    return { ids, favoured: favoured.length }
  }

  /** A letter that peers can have here. */
  get(id: string): Uint8Array | undefined {
    const own = this.ownLetter(id)?.letter
    return (own?.id === id ? own : this.box.get(id))?.bytes
  }

  /** Whether a letter is here, was, or is not wanted. */
  has(id: string): boolean {
    return this.box.has(id) || this.isDelivered(id) || this.ownLetter(id) !== undefined
  }

  isDelivered(id: string): boolean {
    return this.#indexed.delivered.has(id)
  }

  get own(): OwnLetters {
    return this.#own
  }

  ownLetter(id: string): Sent | undefined {
    return this.#indexed.sent.get(id)
  }

  /** How many letters wait that are of one sender, z-base-32. */
  waitingOf(sender: string): number {
    return this.#indexed.waitingOf.get(sender) ?? 0
  }

  /** Keeps a letter of this user, instead of `before` where it was signed anew. @throws DISK_FULL: then it is not kept */
  write(
    letter: Sent,
    { before, code }: { readonly before?: Sent; readonly code?: string | undefined } = {},
  ): Promise<void> {
    return this.#change((own) => {
      const sent = [...own.sent.filter((it) => it.letter !== before?.letter), letter]
      const received = sent.filter((it) => it.isReceived)
      const old = new Set(received.slice(0, Math.max(0, sent.length - MAX_SENT)))
      return { ...own, sent: sent.filter((it) => !old.has(it)), code: code ?? own.code }
    })
  }

  /**
   * Takes letters out of the box for their author.
   * @param isReadable whether the author can open one; what nobody can read is not kept.
   * @returns their ids, once they are on disk. @throws DISK_FULL
   */
  async deliver(isReadable: (letter: Envelope) => boolean): Promise<string[]> {
    const taken: string[] = []
    const take = (own: OwnLetters): OwnLetters | undefined => {
      let { lastNumber } = own
      const inbox = [...own.inbox]
      const unwanted: Envelope[] = []
      const known = new Set([
        ...inbox.map((it) => contentOf(it.letter)),
        ...own.decided.map((it) => it.content),
      ])
      for (const letter of this.box.all()) {
        const most = this.box.isFavoured(letter.id) ? MAX_WAITING : MAX_OF_STRANGERS
        if (this.isDelivered(letter.id) || inbox.length >= most) continue
        taken.push(letter.id)
        if (known.has(contentOf(letter)) || !isReadable(letter)) unwanted.push(letter)
        else inbox.push({ letter, number: ++lastNumber })
        known.add(contentOf(letter))
      }
      if (taken.length === 0) return undefined
      return { ...own, inbox, lastNumber, decided: withDecided(own, unwanted) }
    }
    if (this.box.size > 0) await this.#change(take)
    return taken
  }

  /** Runs decisions of the author one after the other, so that nothing is published twice. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    return this.#decisions.run(work)
  }

  /** Letters wait no more. @throws DISK_FULL */
  decide(numbers: readonly number[]): Promise<void> {
    return this.#change((own) => decideWhere(own, (it) => numbers.includes(it.number)))
  }

  /** Says of whom nothing more is wanted; their letters wait no more. @param senders z-base-32 @throws DISK_FULL */
  block(senders: readonly string[]): Promise<void> {
    const isBlocked = ({ letter }: Received) => senders.includes(senderOf(letter.head))
    return this.#change((own) => ({ ...decideWhere(own, isBlocked), blocked: senders }))
  }

  /** As `Letterbox.settle`. */
  settle(bytes: Uint8Array, signingKey: Uint8Array): ReturnType<Letterbox['settle']> {
    const said = this.box.settle(bytes, signingKey)
    if (typeof said === 'string' || said.kind !== 'receipt') return said
    const received = new Set(said.names.map((it) => this.ownLetter(it)))
    const sent = this.#own.sent.map((it) => (received.has(it) ? { ...it, isReceived: true } : it))
    if (sent.some((it, i) => it !== this.#own.sent[i])) this.#own = { ...this.#own, sent }
    return said
  }

  /** A peer took a letter of this user. */
  taken(id: string, peer: string): void {
    if (this.ownLetter(id) === undefined) return
    const by = this.#takenBy.get(id) ?? new Set()
    this.#takenBy.set(id, by.add(peer))
  }

  /** Peers that took a letter of this user since the start. */
  carriersOf({ letter, earlier = [] }: Sent): number {
    return new Set([letter.id, ...earlier].flatMap((id) => [...(this.#takenBy.get(id) ?? [])])).size
  }

  /** A peer did not take a letter of this user. @param bits of work that it asked for; 0 where it has too many of this user. */
  refused(id: string, bits: number): void {
    this.#refused.set(id, bits)
  }

  /** The bits of work that the last peer which did not take a letter of this user asked for; undefined where none refused. */
  refusalOf({ letter }: Sent): number | undefined {
    return this.#refused.get(letter.id)
  }

  get #indexed(): Index {
    if (this.#index?.of !== this.#own) this.#index = indexOf(this.#own)
    return this.#index
  }

  // What could not be written has not happened.
  #change(change: (own: OwnLetters) => OwnLetters | undefined): Promise<void> {
    return this.#changes.run(async () => {
      const before = this.#own
      const after = change(before)
      if (after === undefined) return
      this.#own = after
      try {
        const said = this.box.statements()
        await writeLetterFile(this.#path, { own: after, box: this.box.all(), said })
      } catch (error) {
        if (this.#own === after) this.#own = before
        throw error
      }
    })
  }
}

/** Own letters by what they are asked for: peers name hundreds of ids in one message. */
interface Index {
  readonly of: OwnLetters
  readonly delivered: ReadonlySet<string>
  /** Letters that wait, by sender. */
  readonly waitingOf: ReadonlyMap<string, number>
  /** By the ids that they have or had. */
  readonly sent: ReadonlyMap<string, Sent>
}

function indexOf(own: OwnLetters): Index {
  const waitingOf = new Map<string, number>()
  for (const { letter } of own.inbox) {
    const sender = senderOf(letter.head)
    waitingOf.set(sender, (waitingOf.get(sender) ?? 0) + 1)
  }
  const delivered = new Set([
    ...own.inbox.map((it) => it.letter.id),
    ...own.decided.map((it) => it.id),
  ])
  const sent = new Map(
    own.sent.flatMap((it) => [it.letter.id, ...(it.earlier ?? [])].map((id) => [id, it] as const)),
  )
  return { of: own, delivered, waitingOf, sent }
}

/** The same for a letter that its sender signed anew, and no other. */
function contentOf({ head }: Envelope): string {
  return hex(nativeCrypto.hash([head.sender, head.contentHash]).subarray(0, LETTER_ID_BYTES))
}

function decideWhere(own: OwnLetters, isDecided: (it: Received) => boolean): OwnLetters {
  const decided = own.inbox.filter(isDecided).map((it) => it.letter)
  const inbox = own.inbox.filter((it) => !isDecided(it))
  return { ...own, inbox, decided: withDecided(own, decided) }
}

function withDecided({ decided }: OwnLetters, letters: readonly Envelope[]): OwnLetters['decided'] {
  const added = letters.map((it) => ({ id: it.id, content: contentOf(it) }))
  return [...decided, ...added].slice(-MAX_DECIDED)
}
