import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate as rest } from 'node:timers/promises'
import { LRUCache } from 'lru-cache'
import { SerialQueue } from '../../async.ts'
import { replaceSynced } from '../../atomic-file.ts'
import { HyperletterError, ifMissing, invalidInput } from '../../errors.ts'
import { concat } from '../../format/bytes.ts'
import type { Feed } from '../../format/feed.ts'
import { carryLine } from '../../format/letters/line.ts'
import { hex } from '../../hex.ts'
import { decodeZ32, encodeZ32, keyBytes, type FeedKey } from '../../format/keys/feed-key.ts'
import type { SigningKeyPair } from '../../format/keys/recovery.ts'
import {
  admissionOf,
  decodeEnvelope,
  DEFAULT_WORK_BITS,
  encodeEnvelope,
  findWork,
  isTimely,
  workOf,
  workPrefix,
  type Envelope,
  type Stamp,
} from '../../format/letters/envelope.ts'
import { encodeHead, encodeLetterContent, type LetterContent } from '../../format/letters/letter.ts'
import { MAX_LETTER_BYTES } from '../../format/records/letters.ts'
import { keyPairOf, nativeCrypto } from '../../log/keys.ts'
import { seal, signWith } from '../../log/sealing.ts'
import { OFFERED_MS, type LetterDesk } from './letter-desk.ts'
import type { Sent } from './letter-file.ts'
import type { BoxRules } from './letterbox.ts'

const SEED_BYTES = 32
const SALT_BYTES = 16
const SENDER_INFO = new TextEncoder().encode('hyperletter/1/reader')

/** Nonces that are tried before others have their turn on this processor. */
const AT_ONCE = 2_000

/** Work that is done because a peer asks for it, in bits: some ten seconds of a processor, once for each newsletter and day. */
export const MOST_WORK_BITS = 22

export interface WritingOptions {
  /** An admission code of the author, 32 bytes in z-base-32; that which was used before when absent. */
  readonly code?: string | undefined
  readonly signal?: AbortSignal | undefined
  /** More work than the author asks for. */
  readonly bits?: number
}

interface Desks {
  desk(feed: Feed): Promise<LetterDesk>
  rules(feed: Feed): Promise<BoxRules>
}

export class LetterSender {
  readonly #letters: Desks
  readonly #keysDir: string
  #seed: Promise<Uint8Array> | undefined
  /** Work that was done, which is that of a sender for a day. */
  readonly #done = new LRUCache<string, { readonly bits: number; readonly nonce: Uint8Array }>({
    max: 64,
  })
  readonly #working = new SerialQueue()

  constructor(letters: Desks, keysDir: string) {
    this.#letters = letters
    this.#keysDir = keysDir
  }

  /** The key pair by which the author of a newsletter knows this user; no other newsletter knows it. @throws KEY_DAMAGED */
  async keys(feedKey: FeedKey): Promise<SigningKeyPair> {
    this.#seed ??= this.#readSeed().catch((error: unknown) => {
      this.#seed = undefined
      throw error
    })
    const { hkdf } = await import('@noble/hashes/hkdf.js')
    const { sha512 } = await import('@noble/hashes/sha2.js')
    const info = concat([SENDER_INFO, keyBytes(feedKey)])
    return keyPairOf(hkdf(sha512, await this.#seed, undefined, info, SEED_BYTES))
  }

  /**
   * Seals and signs a letter, and keeps it to be offered to peers.
   * @throws INVALID_INPUT if its author wants none of this user; TOO_LARGE; DISK_FULL. Then nothing is kept.
   */
  async write(
    feed: Feed,
    letter: Pick<LetterContent, 'text' | 'name' | 'issue' | 'letter' | 'private' | 'withdraw'>,
    options: WritingOptions = {},
  ): Promise<Envelope> {
    const salt = randomBytes(SALT_BYTES).toString('base64url')
    const content = encodeLetterContent({ ...letter, salt })
    if (content.byteLength > MAX_LETTER_BYTES) {
      const message = `A letter has at most ${MAX_LETTER_BYTES} bytes; this one has ${content.byteLength}.`
      throw new HyperletterError('TOO_LARGE', message, {
        hint: 'Shorten it, or write several letters.',
      })
    }
    const desk = await this.#letters.desk(feed)
    const envelope = await this.#sign(feed, content, options)
    const sent = { letter: envelope, content, firstAt: Date.now(), isReceived: false }
    await desk.write(sent, { code: options.code })
    return envelope
  }

  /**
   * Signs a line of a conversation, which is kept nowhere.
   * @param talkKey of a private newsletter.
   * @throws INVALID_INPUT if its author wants none of this user.
   */
  async signLine(
    feed: Feed,
    line: Pick<LetterContent, 'text' | 'name'>,
    talkKey: Uint8Array | undefined,
    signal?: AbortSignal,
  ): Promise<Uint8Array> {
    const salt = randomBytes(SALT_BYTES).toString('base64url')
    const content = encodeLetterContent({ ...line, salt })
    const { carriedAs, carried } = carryLine(content, talkKey, randomBytes)
    const keys = await this.keys(feed.feedKey)
    const who = { sender: keys.publicKey, writtenAt: Date.now(), carriedAs }
    const signing = { crypto: nativeCrypto, sign: signWith(keys) }
    const head = encodeHead(feed.feedKey, who, { content, carried }, signing)
    const stamp = await this.#stamp(feed, { feedKey: keyBytes(feed.feedKey), ...who }, { signal })
    return encodeEnvelope(head, carried, stamp)
  }

  /** Signs those letters anew that are not carried any more, and that the author does not have. */
  async renew(feed: Feed, now = Date.now()): Promise<void> {
    const desk = await this.#letters.desk(feed)
    const isOld = (it: Sent) =>
      !it.isReceived && !isTimely(it.letter, now) && it.firstAt > now - OFFERED_MS
    for (const before of desk.own.sent.filter(isOld)) await this.#signAnew(feed, desk, before)
  }

  /**
   * A peer did not take a letter of this user for want of work, and says how much is enough now: signs it anew with that.
   * @returns undefined where nothing is gained by it.
   */
  async outbid(feed: Feed, id: string, bits: number): Promise<Envelope | undefined> {
    const desk = await this.#letters.desk(feed)
    const before = desk.own.sent.find((it) => it.letter.id === id && !it.isReceived)
    if (before === undefined) return undefined
    desk.refused(id, bits)
    const { stamp } = before.letter
    const isWorth = stamp.kind === 'work' && bits > workOf(before.letter, nativeCrypto)
    if (!isWorth || bits > MOST_WORK_BITS) return undefined
    return this.#signAnew(feed, desk, before, { bits })
  }

  async #signAnew(
    feed: Feed,
    desk: LetterDesk,
    before: Sent,
    options?: WritingOptions,
  ): Promise<Envelope | undefined> {
    const letter = await this.#sign(feed, before.content, options)
    // The author may have it by now.
    if (!desk.own.sent.includes(before)) return undefined
    const earlier = [...(before.earlier ?? []), before.letter.id]
    await desk.write({ ...before, letter, earlier }, { before })
    return letter
  }

  async #sign(feed: Feed, content: Uint8Array, options: WritingOptions = {}): Promise<Envelope> {
    const { feedKey } = feed
    const { letters: wanted } = await feed.profile({ wait: false })
    if (wanted === undefined) throw invalidInput('The author of this newsletter wants no letters.')
    const keys = await this.keys(feedKey)
    const carried = seal(content, decodeZ32(wanted.key))
    const who = { sender: keys.publicKey, writtenAt: Date.now() }
    const signing = { crypto: nativeCrypto, sign: signWith(keys) }
    const head = encodeHead(feedKey, who, { content, carried }, signing)
    const stamp = await this.#stamp(feed, { feedKey: keyBytes(feedKey), ...who }, options)
    const letter = decodeEnvelope(encodeEnvelope(head, carried, stamp), nativeCrypto)
    if (letter === undefined) throw new HyperletterError('INTERNAL', 'A letter cannot be read.')
    return letter
  }

  async #stamp(
    feed: Feed,
    head: Parameters<typeof workPrefix>[0],
    { code: given, signal, bits = 0 }: WritingOptions,
  ): Promise<Stamp> {
    const { letters: wanted } = await feed.profile({ wait: false })
    const { isKnown, isAdmissionKey } = await this.#letters.rules(feed)
    if (isKnown(encodeZ32(head.sender))) return { kind: 'none' }
    const code = given ?? (await this.#letters.desk(feed)).own.code
    const admission = code === undefined ? undefined : keyPairOf(decodeZ32(code))
    if (admission !== undefined && isAdmissionKey(encodeZ32(admission.publicKey))) {
      const signature = signWith(admission)(admissionOf(head))
      return { kind: 'admission', key: admission.publicKey, signature }
    }
    if (given !== undefined) {
      throw invalidInput('The author of this newsletter knows no such code.', {
        hint: 'Copy it whole. An author may take codes back.',
      })
    }
    if (wanted?.from === 'admitted') {
      throw invalidInput(
        'The author of this newsletter takes letters of people with a code only.',
        { hint: 'Ask the author for a code, and use it once: hyperletter write … --code …' },
      )
    }
    const least = Math.max(bits, wanted?.work ?? DEFAULT_WORK_BITS)
    const nonce = await this.#working.run(() => this.#work(workPrefix(head), least, signal))
    return { kind: 'work', nonce }
  }

  async #work(prefix: Uint8Array, bits: number, signal?: AbortSignal): Promise<Uint8Array> {
    const name = hex(prefix)
    const done = this.#done.get(name)
    if (done !== undefined && done.bits >= bits) return done.nonce
    const nonce = await work(prefix, bits, signal)
    this.#done.set(name, { bits, nonce })
    return nonce
  }

  async #readSeed(): Promise<Uint8Array> {
    const path = join(this.#keysDir, 'reader-seed')
    const found = await readFile(path).catch(ifMissing(undefined))
    if (found?.byteLength === SEED_BYTES) return found
    if (found !== undefined) {
      throw new HyperletterError('KEY_DAMAGED', `The key of your letters in ${path} is damaged.`)
    }
    const seed = randomBytes(SEED_BYTES)
    await replaceSynced(path, [seed])
    return seed
  }
}

async function work(
  prefix: Uint8Array,
  bits: number,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  for (let from = 0; ; from += AT_ONCE) {
    signal?.throwIfAborted()
    const found = findWork(prefix, bits, { from, count: AT_ONCE }, nativeCrypto)
    if (found !== undefined) return found
    await rest()
  }
}
