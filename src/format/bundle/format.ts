import { HyperletterError } from '../../errors.ts'
import { concat, equal, uint64 } from '../bytes.ts'
import { blake2b } from '../crypto.ts'
import { feedKeyOf, KEY_BYTES, type FeedKey } from '../keys/feed-key.ts'

// The layout of a bundle, in bytes. docs/format.md specifies it.

/** The first bytes of every bundle. */
export const MAGIC: Uint8Array = new TextEncoder().encode('hyperletter-bundle')

const VERSION = 1
/** Size of an Ed25519 signature. */
export const SIGNATURE_BYTES = 64
const NUMBER_BYTES = 8

/** Size of what precedes the first frame. */
export const HEADER_BYTES =
  MAGIC.byteLength + 1 + 2 * KEY_BYTES + 2 * NUMBER_BYTES + SIGNATURE_BYTES

/** In place of the size of a block: only its leaf of the tree follows. */
export const LEAF_MARK = 0xffffffff

/** The size of a block, or the mark of a leaf: an unsigned 32-bit number. */
export const FRAME_HEAD_BYTES = 4

/** A leaf: the size of the block and its hash. */
export const LEAF_BYTES = NUMBER_BYTES + KEY_BYTES

/** Largest block that Hypercore appends. */
export const MAX_BLOCK_BYTES = 15 * 1024 * 1024

/**
 * Longest log in a bundle, in blocks. The tree over it takes 80 bytes a block, and with 64 KiB in
 * each block this is 64 GiB.
 */
export const MAX_BUNDLE_BLOCKS = 2 ** 20

/** What a bundle says of the log that it carries. */
export interface BundleHeader {
  readonly feedKey: FeedKey
  /** Signs the log; the feed key is made from it. */
  readonly publicKey: Uint8Array
  /** Blocks in the log. */
  readonly length: number
  /** How many of them the bundle carries; of the others it has the hash. */
  readonly blocks: number
  /** Ed25519, over the tree of all `length` blocks. */
  readonly signature: Uint8Array
}

export function encodeHeader(header: BundleHeader, key: Uint8Array): Uint8Array {
  const numbers = [uint64(header.length), uint64(header.blocks)]
  return concat([
    MAGIC,
    Uint8Array.of(VERSION),
    key,
    header.publicKey,
    ...numbers,
    header.signature,
  ])
}

/**
 * Reads a header; its signature is not checked, for that takes the tree.
 * @param bytes the first `HEADER_BYTES` of a file.
 * @throws INVALID_BUNDLE
 */
export function decodeHeader(bytes: Uint8Array): BundleHeader {
  let offset = 0
  const take = (sizeBytes: number) => bytes.slice(offset, (offset += sizeBytes))
  const takeNumber = () => readNumber(take(NUMBER_BYTES), 0)
  if (!equal(take(MAGIC.byteLength), MAGIC)) throw invalid('It is no bundle of a newsletter.')
  if (take(1)[0] !== VERSION) {
    throw new HyperletterError('INVALID_BUNDLE', 'The bundle is of a version that is not known.', {
      hint: 'Get a newer Hyperletter, or check that the file is unharmed.',
    })
  }
  const key = take(KEY_BYTES)
  const publicKey = take(KEY_BYTES)
  const [length, blocks] = [takeNumber(), takeNumber()]
  const signature = take(SIGNATURE_BYTES)
  if (!equal(key, keyOf(publicKey))) throw invalid('Its feed key and its signing key do not fit.')
  if (length < 1 || length > MAX_BUNDLE_BLOCKS) {
    throw invalid(`It claims a log of ${length} blocks; 1 to ${MAX_BUNDLE_BLOCKS} are possible.`)
  }
  if (blocks < 1 || blocks > length) throw invalid(`It claims ${blocks} of ${length} blocks.`)
  return { feedKey: feedKeyOf(key), publicKey, length, blocks, signature }
}

// What Hypercore signs and hashes is in namespaces: 0 is for signing a tree, 3 for hashing a manifest, 4
// the default of a signer. Each is a hash of the name "hypercore" and its number.
const HYPERCORE = blake2b([new TextEncoder().encode('hypercore')])

/** What is hashed for one use, as docs/format.md numbers them, begins with this. */
export const namespace = (number: number): Uint8Array => blake2b([HYPERCORE, Uint8Array.of(number)])

const TREE = namespace(0)
const MANIFEST = namespace(3)

/** What a signer's signatures are for, unless a manifest says otherwise. */
export const SIGNER_NAMESPACE = namespace(4)

/** The core key of a newsletter, from the key that signs it. */
export function keyOf(publicKey: Uint8Array): Uint8Array {
  // Version 1, no flags, BLAKE2b, a quorum of 1 of 1 signer, who signs with Ed25519.
  const head = Uint8Array.of(1, 0, 0, 1, 1, 0)
  return blake2b([MANIFEST, head, SIGNER_NAMESPACE, publicKey])
}

/** What the signature of a log is over. */
export function signable(key: Uint8Array, treeHash: Uint8Array, length: number): Uint8Array {
  const fork = 0
  return concat([TREE, key, treeHash, uint64(length), uint64(fork)])
}

/** How Hypercore stores a signature: one proof, of signer 0, without patch and nodes. */
export function wrapSignature(signature: Uint8Array): Uint8Array {
  return concat([Uint8Array.of(1, 0), signature, Uint8Array.of(0, 0)])
}

/** The signature itself; undefined if it is stored in another way. */
export function unwrapSignature(stored: Uint8Array): Uint8Array | undefined {
  const signature = stored.subarray(2, 2 + SIGNATURE_BYTES)
  return equal(wrapSignature(signature), stored) ? signature : undefined
}

/** A 64-bit number, little-endian. @param fail what to throw above 2^53 - 1. @throws INVALID_BUNDLE */
export function readNumber(
  bytes: Uint8Array,
  offset: number,
  fail: (why: string) => HyperletterError = invalid,
): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const value = view.getBigUint64(offset, true)
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw fail(`It claims ${value} of something.`)
  return Number(value)
}

/** The complaint about a bundle that is not what it should be. */
export function invalid(why: string, cause?: unknown): HyperletterError {
  const options = { cause }
  return new HyperletterError('INVALID_BUNDLE', `The bundle cannot be taken. ${why}`, options)
}
