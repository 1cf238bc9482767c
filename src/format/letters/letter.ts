import * as z from 'zod/mini'
import { attempt } from '../../errors.ts'
import { hex } from '../../hex.ts'
import { concat, equal, uint64, uint64At } from '../bytes.ts'
import type { Crypto } from '../crypto.ts'
import { encodeZ32, KEY_BYTES, keyBytes, type FeedKey } from '../keys/feed-key.ts'
import { LETTER_HEAD_BYTES, MAX_LETTER_BYTES } from '../records/letters.ts'
import { parseJson } from '../records/record.ts'
import { name, paragraph } from '../records/text.ts'

/** Also the domain of the signature: no other signature of this project begins with it. */
const MARK = new TextEncoder().encode('hyperletter/1/letter')

const TIME_BYTES = 8
const HASH_BYTES = 32
const SIGNATURE_BYTES = 64

/** How it is carried, by the byte that says so: sealed to the author, in the clear, or for members of a private newsletter. */
const CARRIED_AS = ['sealed', 'open', 'members'] as const
export type CarriedAs = (typeof CARRIED_AS)[number]

const SIGNED_BYTES = MARK.length + 1 + 2 * KEY_BYTES + TIME_BYTES + 2 * HASH_BYTES

/** Of an id in bytes: the beginning of a hash of the head. */
export const LETTER_ID_BYTES = 16

const number = z.int().check(z.positive())

const content = z
  .looseObject({
    /** Plain text; empty only where `withdraw` says all. */
    text: z.union([paragraph(8_192), z.literal('')]),
    /** 128 random bits, so that nobody can guess the text from its hash. */
    salt: z.string().check(z.regex(/^[\w-]{22}$/)),
    /** What the sender wants to be called. */
    name: z.optional(name(64)),
    /** The number of the issue that it is about. */
    issue: z.optional(number),
    /** The number of the published letter that it answers. */
    letter: z.optional(number),
    /** For the author alone. */
    private: z.optional(z.literal(true)),
    /** The number of a published letter of the sender, who wants it back. */
    withdraw: z.optional(number),
  })
  .check(z.refine((it) => it.text !== '' || it.withdraw !== undefined, 'says nothing'))
export type LetterContent = z.infer<typeof content>

/** What the sender signed. */
export interface LetterHead {
  readonly carriedAs: CarriedAs
  readonly feedKey: Uint8Array
  /** The sender's public key for this newsletter. */
  readonly sender: Uint8Array
  /** Milliseconds since 1970, by the sender's clock. */
  readonly writtenAt: number
  readonly contentHash: Uint8Array
  /** Of the content as it is carried. */
  readonly carriedHash: Uint8Array
  readonly signature: Uint8Array
  /** All of it, as it was signed and sent. */
  readonly bytes: Uint8Array
}

/** What is signed. @param sign makes an Ed25519 signature of the sender. */
export function encodeHead(
  feedKey: FeedKey,
  {
    sender,
    writtenAt,
    carriedAs = 'sealed',
  }: Pick<LetterHead, 'sender' | 'writtenAt'> & Partial<Pick<LetterHead, 'carriedAs'>>,
  letter: { readonly content: Uint8Array; readonly carried: Uint8Array },
  {
    crypto,
    sign,
  }: {
    readonly crypto: Pick<Crypto, 'hash'>
    readonly sign: (message: Uint8Array) => Uint8Array
  },
): Uint8Array {
  const signed = concat([
    MARK,
    Uint8Array.of(CARRIED_AS.indexOf(carriedAs)),
    keyBytes(feedKey),
    sender,
    uint64(writtenAt),
    crypto.hash([letter.content]),
    crypto.hash([letter.carried]),
  ])
  return concat([signed, sign(signed)])
}

/** The head at the beginning of some bytes; undefined if it is none that this version knows. Nothing is verified. */
export function decodeHead(bytes: Uint8Array): LetterHead | undefined {
  if (bytes.length < LETTER_HEAD_BYTES || !equal(bytes.subarray(0, MARK.length), MARK)) return
  const carriedAs = CARRIED_AS[bytes[MARK.length] ?? CARRIED_AS.length]
  if (carriedAs === undefined) return
  // A copy: the bytes may be part of much more.
  const head = new Uint8Array(bytes.subarray(0, LETTER_HEAD_BYTES))
  let at = MARK.length + 1
  const next = (length: number) => head.subarray(at, (at += length))
  try {
    return {
      carriedAs,
      feedKey: next(KEY_BYTES),
      sender: next(KEY_BYTES),
      writtenAt: uint64At(next(TIME_BYTES), 0),
      contentHash: next(HASH_BYTES),
      carriedHash: next(HASH_BYTES),
      signature: next(SIGNATURE_BYTES),
      bytes: head,
    }
  } catch {
    return undefined
  }
}

/** Whether bytes that are no head to this version may be one to a later version: carried in another way. */
export function isLaterHead(bytes: Uint8Array): boolean {
  const isMarked = bytes.length >= LETTER_HEAD_BYTES && equal(bytes.subarray(0, MARK.length), MARK)
  return isMarked && bytes[MARK.length] !== 0
}

export function isSigned({ bytes, signature, sender }: LetterHead, crypto: Crypto): boolean {
  return crypto.verify(bytes.subarray(0, SIGNED_BYTES), signature, sender)
}

/** Names a letter: in hex. */
export function letterId({ bytes }: Pick<LetterHead, 'bytes'>, crypto: Crypto): string {
  return hex(crypto.hash([bytes]).subarray(0, LETTER_ID_BYTES))
}

/** The sender's key, as records and people write it. */
export function senderOf({ sender }: LetterHead): string {
  return encodeZ32(sender)
}

export function encodeLetterContent(letter: LetterContent): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(letter))
}

/** The content with the hash that a head names; undefined if it is another one, or none. */
export function decodeLetterContent(
  bytes: Uint8Array,
  { contentHash }: LetterHead,
  { hash }: Pick<Crypto, 'hash'>,
): LetterContent | undefined {
  if (bytes.byteLength > MAX_LETTER_BYTES || !equal(hash([bytes]), contentHash)) return undefined
  return attempt(() => content.parse(parseJson(bytes), { jitless: true }))
}

/** A letter as its newsletter publishes it, in one block: the head, and the content in the clear. */
export interface PublishedLetter {
  readonly head: LetterHead
  readonly content: LetterContent
}

/**
 * The letter in a block, with the signature of its sender verified; undefined if it is none, was changed, or belongs to
 * another newsletter.
 */
export function verifyLetter(
  block: Uint8Array,
  feedKey: FeedKey,
  crypto: Crypto,
): PublishedLetter | undefined {
  const head = decodeHead(block)
  if (head === undefined || !equal(head.feedKey, keyBytes(feedKey))) return undefined
  const found = decodeLetterContent(block.subarray(LETTER_HEAD_BYTES), head, crypto)
  return found !== undefined && isSigned(head, crypto) ? { head, content: found } : undefined
}
