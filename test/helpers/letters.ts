import { randomBytes } from 'node:crypto'
import { defined } from '../../src/defined.ts'
import type { Engine } from '../../src/engine/engine.ts'
import { concat } from '../../src/format/bytes.ts'
import type { Feed } from '../../src/format/feed.ts'
import type { FeedKey } from '../../src/format/keys/feed-key.ts'
import { encodeZ32, keyBytes } from '../../src/format/keys/feed-key.ts'
import {
  admissionOf,
  decodeEnvelope,
  encodeEnvelope,
  findWork,
  workPrefix,
  type Envelope,
  type Stamp,
} from '../../src/format/letters/envelope.ts'
import { composeLetters } from '../../src/format/history/entry.ts'
import { encodeHead, encodeLetterContent, senderOf } from '../../src/format/letters/letter.ts'
import type { SigningKeyPair } from '../../src/format/keys/recovery.ts'
import { keyPairOf, nativeCrypto } from '../../src/log/keys.ts'
import { letterKeysOf, seal, signWith } from '../../src/log/sealing.ts'

/** The author of the letters' newsletter. */
export const signing = keyPairOf(new Uint8Array(32).fill(1))
export const feedKey = encodeZ32(keyPairOf(new Uint8Array(32).fill(9)).publicKey) as FeedKey

interface LetterOptions {
  readonly seed?: Uint8Array
  readonly at?: number
  readonly text?: string
  /** What else it says. */
  readonly about?: object
  /** Whose author can read it. */
  readonly sealedTo?: SigningKeyPair
  readonly to?: FeedKey
  /** Bits of work, exactly; no stamp when absent. */
  readonly bits?: number
  /** An admission code: 32 bytes. */
  readonly code?: Uint8Array
}

/** A letter as its sender gives it to peers, and its content. */
export function letterOf(options: LetterOptions = {}): { envelope: Envelope; content: Uint8Array } {
  const {
    seed = randomBytes(32),
    at = Date.now(),
    text = 'Hello.',
    to = feedKey,
    sealedTo = signing,
  } = options
  const sender = keyPairOf(seed)
  const salt = Buffer.from(seed).subarray(0, 16).toString('base64url')
  const content = encodeLetterContent({ text, salt, ...options.about })
  const carried = seal(content, letterKeysOf(sealedTo).publicKey)
  const crypto = { crypto: nativeCrypto, sign: signWith(sender) }
  const who = { sender: sender.publicKey, writtenAt: at }
  const head = encodeHead(to, who, { content, carried }, crypto)
  const stamp = stampOf({ feedKey: keyBytes(to), ...who }, options)
  const envelope = decodeEnvelope(encodeEnvelope(head, carried, stamp), nativeCrypto)
  if (envelope === undefined) throw new Error('A letter cannot be decoded')
  return { envelope, content }
}

function stampOf(
  head: Parameters<typeof workPrefix>[0],
  { bits, code }: Pick<LetterOptions, 'bits' | 'code'>,
): Stamp {
  if (code !== undefined) {
    const admission = keyPairOf(code)
    const signature = signWith(admission)(admissionOf(head))
    return { kind: 'admission', key: admission.publicKey, signature }
  }
  if (bits === undefined) return { kind: 'none' }
  const prefix = workPrefix(head)
  const work = (least: number, from: number) =>
    findWork(prefix, least, { from, count: 1 }, nativeCrypto)
  // As much as is asked for, and by chance no more.
  for (let from = 0; from < 2 ** (bits + 7); from++) {
    const nonce = work(bits, from)
    if (nonce !== undefined && work(bits + 1, from) === undefined) return { kind: 'work', nonce }
  }
  throw new Error('No nonce was found')
}

/**
 * Appends a letter that the author of a newsletter accepted, to its log.
 * @param change makes another block of what the sender signed.
 */
export async function publishLetter(
  { author }: Pick<Engine, 'author'>,
  feed: Feed,
  letter: LetterOptions & {
    readonly number?: number
    readonly answer?: string
    readonly name?: string
    readonly issue?: number
  } = {},
  change: (block: Uint8Array) => Uint8Array = (it) => it,
): Promise<void> {
  const { number = 1, answer, issue, name } = letter
  const about = defined({ name, issue })
  const { envelope, content } = letterOf({ ...letter, about, to: feed.feedKey })
  const block = change(concat([envelope.head.bytes, content]))
  const accepted = { number, from: senderOf(envelope.head), block, ...defined({ issue, answer }) }
  const said = { at: new Date().toISOString(), letters: [accepted] }
  await author.append(feed, [(at) => composeLetters(at, said)])
}
