import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { DebouncedTask } from '../../async.ts'
import { HyperletterError } from '../../errors.ts'
import type { Feed } from '../../format/feed.ts'
import type { EncryptionKey, FeedKey } from '../../format/keys/feed-key.ts'
import type { SigningKeyPair } from '../../format/keys/recovery.ts'
import { BLIND_WORK_BITS, DEFAULT_WORK_BITS, type Envelope } from '../../format/letters/envelope.ts'
import {
  encodeStatement,
  MAX_NAMED,
  muteOf,
  type Statement,
} from '../../format/letters/statement.ts'
import { nativeCrypto } from '../../log/keys.ts'
import { letterKeysOf, signWith, unseal } from '../../log/sealing.ts'
import type { Logger } from '../../logger.ts'
import type { SigningKeys } from '../publish/author-files.ts'
import { LetterDesk } from './letter-desk.ts'
import type { BoxRules, BoxVerdict } from './letterbox.ts'
import { LetterSender } from './sender.ts'
import { Conversations } from './conversation.ts'

export interface LettersOptions {
  readonly lettersDir: string
  readonly keysDir: string
  /** What boxes may take on this disk now. */
  readonly budgetBytes: () => number
  readonly keys: Pick<SigningKeys, 'get'>
  /** Of a private newsletter. */
  readonly encryptionKeyOf: (feedKey: FeedKey) => EncryptionKey | undefined
  readonly logger: Logger
}

/** All boxes of this device together, in bytes, and what a byte of them takes in a file. */
const BYTES_IN_FILE = 4 / 3
const ALL_BOXES_BYTES = 32 * 1024 * 1024

/** How late a letter of somebody else may be written to disk: its sender offers it again. */
const SAVE_MS = 5_000
const SAVE_EVERY_MS = 3_600_000

/** How long what a newsletter says of letters is believed of a log that is not here as a whole, while it does not grow. */
const PARTIAL_MS = 1_000

/** Mutes are said anew after that. */
const REPEAT_MUTES_MS = 86_400_000

interface KnownRules {
  readonly at: number
  readonly length: number
  readonly isWhole: boolean
  readonly rules: BoxRules
}

export class Letters {
  readonly sender: LetterSender
  readonly conversations: Conversations
  readonly #options: LettersOptions
  readonly #desks = new Map<FeedKey, Promise<LetterDesk>>()
  readonly #rules = new Map<FeedKey, KnownRules>()
  readonly #mutedAt = new Map<FeedKey, number>()
  readonly #unsaved = new Set<LetterDesk>()
  readonly #saving: DebouncedTask
  #bytes = 0
  #isClosed = false

  constructor(options: LettersOptions) {
    this.#options = options
    this.sender = new LetterSender(this, options.keysDir)
    const { encryptionKeyOf } = options
    this.conversations = new Conversations({ letters: this, encryptionKeyOf })
    this.#saving = new DebouncedTask({
      delayMs: SAVE_MS,
      everyMs: SAVE_EVERY_MS,
      run: () => this.#save(),
      onFailure: (err) => options.logger.warn({ err }, 'letters could not be saved'),
    })
  }

  desk(feed: Feed): Promise<LetterDesk> {
    const known = this.#desks.get(feed.feedKey)
    if (known !== undefined) return known
    const opening = this.#open(feed)
    this.#desks.set(feed.feedKey, opening)
    // Tried again by whoever asks next.
    opening.catch(() => this.#desks.delete(feed.feedKey))
    return opening
  }

  /** Nobody here wants the newsletter any more: its letters go off this disk. */
  async discard(feedKey: FeedKey): Promise<void> {
    const desk = await this.#desks.get(feedKey)
    this.#desks.delete(feedKey)
    this.#rules.delete(feedKey)
    if (desk !== undefined) {
      this.#unsaved.delete(desk)
      this.#bytes -= desk.box.bytes
      await desk.idle()
    }
    await rm(this.#pathOf(feedKey), { force: true })
  }

  /** What a newsletter says of letters, and of whom it has published some. */
  async rules(feed: Feed): Promise<BoxRules> {
    const { feedKey, length } = feed
    const known = this.#rules.get(feedKey)
    const isNew = known?.isWhole === true || Date.now() - (known?.at ?? 0) < PARTIAL_MS
    if (known?.length === length && isNew) return known.rules
    const found = await rulesOf(feed)
    this.#rules.set(feedKey, { at: Date.now(), length, ...found })
    return found.rules
  }

  /** More of a newsletter is here than when its rules were read. */
  grown({ feedKey }: Feed): void {
    if (this.#rules.get(feedKey)?.isWhole === false) this.#rules.delete(feedKey)
  }

  /** Takes a letter that a peer sent. */
  async carry(feed: Feed, letter: Envelope): Promise<BoxVerdict> {
    const desk = await this.desk(feed)
    const before = desk.box.bytes
    const verdict = desk.box.add(letter, await this.#rulesAt(feed, desk), this.#roomFor(before))
    this.#bytes += desk.box.bytes - before
    if (verdict === 'kept') this.#saveSoon(desk)
    return verdict
  }

  /** Bits of work that a letter of a stranger needs now to be carried here; Infinity where no work is enough. */
  async neededBits(feed: Feed): Promise<number> {
    const { box } = await this.desk(feed)
    return box.neededBits(await this.rules(feed), this.#roomFor(box.bytes))
  }

  async #rulesAt(feed: Feed, desk: LetterDesk): Promise<BoxRules> {
    const rules = await this.rules(feed)
    return feed.writable ? { ...rules, waitingOf: (it) => desk.waitingOf(it) } : rules
  }

  /** Bytes that a box may have beside all others. */
  #roomFor(boxBytes = 0): number {
    const most = Math.min(ALL_BOXES_BYTES, this.#options.budgetBytes() / BYTES_IN_FILE)
    return most - (this.#bytes - boxBytes)
  }

  /**
   * Takes what was carried here for the author of a newsletter, if that is who uses this device.
   * @returns receipts for whoever carries it, once it is on disk.
   */
  async deliver(feed: Feed): Promise<Uint8Array[]> {
    if (!feed.writable || this.#isClosed) return []
    const desk = await this.desk(feed)
    const keys = await this.letterKeys(feed.feedKey)
    const ids = await desk.deliver((it) => unseal(it.carried, keys) !== undefined)
    return this.#receiptsFor(feed, desk, ids)
  }

  /** The author has got these before, and whoever offers them does not know. */
  async remind(feed: Feed, ids: readonly string[]): Promise<Uint8Array[]> {
    const desk = await this.desk(feed)
    return this.#receiptsFor(
      feed,
      desk,
      ids.filter((it) => desk.isDelivered(it)),
    )
  }

  /** Whom the author of a newsletter, who uses this device, does not want to hear; undefined where everybody was told lately. */
  async mutes(feed: Feed): Promise<Uint8Array | undefined> {
    const { feedKey, writable } = feed
    if (!writable || Date.now() - (this.#mutedAt.get(feedKey) ?? 0) < REPEAT_MUTES_MS)
      return undefined
    const desk = await this.desk(feed)
    this.#mutedAt.set(feedKey, Date.now())
    return desk.own.blocked.length === 0 ? undefined : this.#sayMutes(feed, desk)
  }

  /** Blocks senders, and no others. @param senders z-base-32. @returns what to tell carriers. @throws NOT_AUTHOR, DISK_FULL */
  async block(feed: Feed, senders: readonly string[]): Promise<Uint8Array> {
    const desk = await this.desk(feed)
    await desk.block(senders)
    this.#mutedAt.set(feed.feedKey, Date.now())
    return this.#sayMutes(feed, desk)
  }

  async #sayMutes(feed: Feed, desk: LetterDesk): Promise<Uint8Array> {
    const names = desk.own.blocked.map((it) => muteOf(feed.feedKey, it, nativeCrypto))
    return this.#say(feed, desk, { kind: 'mutes', names })
  }

  async #receiptsFor(feed: Feed, desk: LetterDesk, ids: readonly string[]): Promise<Uint8Array[]> {
    const receipts: Uint8Array[] = []
    for (let from = 0; from < ids.length; from += MAX_NAMED) {
      const names = ids.slice(from, from + MAX_NAMED)
      receipts.push(await this.#say(feed, desk, { kind: 'receipt', names }))
    }
    return receipts
  }

  async #say(feed: Feed, desk: LetterDesk, said: Omit<Statement, 'at'>): Promise<Uint8Array> {
    const signing = await this.#signingKeys(feed.feedKey)
    const statement = { ...said, at: Date.now() }
    const bytes = encodeStatement(feed.feedKey, statement, signWith(signing))
    this.#settle(desk, bytes, signing.publicKey)
    return bytes
  }

  /** Takes a statement of an author that a peer sent. `false`: no honest peer sends that. */
  async settle(feed: Feed, statement: Uint8Array): Promise<'news' | 'known' | 'false'> {
    const { publicKey } = feed.log
    const desk = await this.desk(feed)
    return publicKey === undefined ? 'known' : this.#settle(desk, statement, publicKey)
  }

  #settle(desk: LetterDesk, statement: Uint8Array, signingKey: Uint8Array) {
    const before = desk.box.bytes
    const said = desk.settle(statement, signingKey)
    if (typeof said === 'string') return said
    this.#bytes += desk.box.bytes - before
    this.#saveSoon(desk)
    return 'news'
  }

  /** The keys to which letters of an own newsletter are sealed. @throws NOT_AUTHOR, KEY_DAMAGED */
  async letterKeys(feedKey: FeedKey): Promise<SigningKeyPair> {
    return letterKeysOf(await this.#signingKeys(feedKey))
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#saving.close()
    await this.#save()
    const desks = await Promise.allSettled(this.#desks.values())
    for (const it of desks) if (it.status === 'fulfilled') await it.value.idle()
  }

  async #open(feed: Feed): Promise<LetterDesk> {
    const { feedKey, log } = feed
    const desk = await LetterDesk.open(this.#pathOf(feedKey), feedKey, {
      signingKey: log.publicKey,
      maxBytes: this.#roomFor(),
    })
    this.#bytes += desk.box.bytes
    return desk
  }

  #pathOf(feedKey: FeedKey): string {
    return join(this.#options.lettersDir, `${feedKey}.json`)
  }

  async #signingKeys(feedKey: FeedKey): Promise<SigningKeyPair> {
    const signing = await this.#options.keys.get(feedKey)
    if (signing !== undefined) return signing
    throw new HyperletterError(
      'NOT_AUTHOR',
      'This device does not hold the signing key of the newsletter.',
    )
  }

  #saveSoon(desk: LetterDesk): void {
    this.#unsaved.add(desk)
    this.#saving.schedule()
  }

  async #save(): Promise<void> {
    const desks = [...this.#unsaved]
    this.#unsaved.clear()
    await Promise.all(desks.map((it) => it.save()))
  }
}

const NOBODY = () => false

// Of a newsletter that cannot be read here, sealed letters are carried all the same.
async function rulesOf(feed: Feed): Promise<Pick<KnownRules, 'rules' | 'isWhole'>> {
  const others = { isAdmissionKey: NOBODY, isKnown: NOBODY }
  try {
    const { profile, letters, missing } = await feed.list({ wait: false })
    const { letters: wanted } = profile?.record ?? {}
    const isWhole = missing === 0 && profile !== undefined
    if (wanted === undefined) {
      return { isWhole, rules: { ...others, isWanted: false, workBits: Infinity } }
    }
    const known = new Set(letters.filter((it) => it.withdrawn === undefined).map((it) => it.from))
    const codes = new Set(wanted.admit)
    const isOpen = wanted.from !== 'admitted'
    const rules = {
      isWanted: true,
      workBits: isOpen ? (wanted.work ?? DEFAULT_WORK_BITS) : Infinity,
      isAdmissionKey: (it: string) => codes.has(it),
      isKnown: (it: string) => known.has(it),
    }
    return { isWhole, rules }
  } catch {
    return { isWhole: false, rules: { ...others, isWanted: true, workBits: BLIND_WORK_BITS } }
  }
}
