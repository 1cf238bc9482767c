import { HyperletterError } from '../../errors.ts'
import { feedKeyOf } from '../keys/feed-key.ts'
import { only, without, type BlockRange } from '../block-ranges.ts'
import { notHere, type StoredLog } from '../log.ts'
import * as format from './format.ts'
import { concat, equal, uint64 } from '../bytes.ts'
import { portable, type Crypto } from '../crypto.ts'
import type { Frame } from './read.ts'
import { BlockTree } from './tree.ts'
import { retractedContents } from '../history/corrections.ts'
import type { Listing } from '../history/listing.ts'

/** Blocks that are read at a time, unless they are larger than those of a newsletter should be. */
const READ_AT_ONCE = 16
const USUAL_BLOCK_BYTES = 128 * 1024

/** Small frames are handed out together. */
const PIECE_BYTES = 64 * 1024

/**
 * A bundle of the log as it is now, piece by piece: the same bytes for the same log and ranges. Every
 * hash is computed again on the way, so a disk that lies makes no whole bundle.
 * @param carried ascending ranges that do not overlap, the first one from block 0; everything when absent.
 * @param crypto a faster one, where there is one.
 * @throws NOT_AVAILABLE if blocks are not on this machine; INVALID_RECORD if the log is damaged.
 */
export async function* writeBundle(
  log: StoredLog,
  carried?: readonly BlockRange[],
  crypto: Crypto = portable,
): AsyncGenerator<Uint8Array> {
  const tree = new BlockTree(crypto)
  const { header: signed, treeHash } = await signedLog(log, tree, crypto)
  const { length } = signed
  const ranges = (carried ?? [{ start: 0, end: length }])
    .map(({ start, end }) => ({ start, end: Math.min(end, length) }))
    .filter(({ start, end }) => start < end)
  await assertHeld(log, ranges)
  const blocks = ranges.reduce((sum, { start, end }) => sum + end - start, 0)
  const header = { ...signed, blocks }
  yield format.encodeHeader(header, format.keyOf(header.publicKey))

  let pending: Uint8Array[] = []
  let pendingBytes = 0
  for await (const frame of readFrames(log, ranges, length)) {
    tree.addFrame(frame)
    pending.push(...partsOf(frame))
    pendingBytes += frame.block?.byteLength ?? format.LEAF_BYTES
    if (pendingBytes < PIECE_BYTES) continue
    yield concat(pending)
    pending = []
    pendingBytes = 0
  }
  if (!equal(tree.hash(), treeHash)) throw damaged()
  yield concat(pending)
}

/**
 * What the author signed of the log as it is now, and the hash of that tree. The signature is that of the newest
 * length: both are read at once, for an author may append meanwhile.
 * @param tree any, to hash with.
 * @throws NOT_AVAILABLE, TOO_LARGE, FEED_CONFLICT, INVALID_RECORD
 */
export async function signedLog(log: StoredLog, tree: BlockTree, crypto: Crypto) {
  const { key, length, publicKey } = log
  if (length === 0 || publicKey === undefined) {
    throw new HyperletterError('NOT_AVAILABLE', 'Nothing of this newsletter is here yet.')
  }
  if (length > format.MAX_BUNDLE_BLOCKS) {
    const message = `A bundle holds ${format.MAX_BUNDLE_BLOCKS} blocks; this log has ${length}.`
    throw new HyperletterError('TOO_LARGE', message)
  }
  const { roots, fork, signature: stored } = await log.tree(length)
  const signature = format.unwrapSignature(stored)
  if (signature === undefined) throw damaged()
  if (fork !== 0) {
    throw new HyperletterError('FEED_CONFLICT', 'The log was cut back and written anew.')
  }
  if (!equal(format.keyOf(publicKey), key)) {
    throw new HyperletterError('INVALID_RECORD', 'The core is not made as that of a newsletter.')
  }
  const treeHash = tree.rootsHash(roots)
  const message = format.signable(key, treeHash, length)
  if (!crypto.verify(message, signature, publicKey)) {
    // The log grew between the two lines above, and the signature is of what it is now.
    if (log.length > length) return signedLog(log, tree, crypto)
    throw damaged()
  }
  return { header: { feedKey: feedKeyOf(key), publicKey, length, signature }, treeHash }
}

/** @throws NOT_AVAILABLE if any of these blocks is not on this machine. */
export async function assertHeld(log: StoredLog, ranges: readonly BlockRange[]): Promise<void> {
  let missing = 0
  for (const { start, end } of ranges) {
    if (await log.has({ start, end })) continue
    for (let index = start; index < end; index++) if (!(await log.has(only(index)))) missing++
  }
  if (missing > 0) {
    const message = `${missing} blocks of the newsletter are not on this machine.`
    throw new HyperletterError('NOT_AVAILABLE', message)
  }
}

async function* readFrames(
  log: StoredLog,
  ranges: readonly BlockRange[],
  length: number,
): AsyncGenerator<Frame> {
  let at = 0
  for (const { start, end } of [...ranges, { start: length, end: length }]) {
    yield* readAhead(at, start, (index) => readLeaf(log, index))
    yield* readAhead(start, end, (index) => readBlock(log, index))
    at = end
  }
}

async function* readAhead(
  start: number,
  end: number,
  read: (index: number) => Promise<Frame>,
): AsyncGenerator<Frame> {
  let atOnce = READ_AT_ONCE
  for (let at = start; at < end;) {
    const count = Math.min(atOnce, end - at)
    const frames = await Promise.all(Array.from({ length: count }, (_, i) => read(at + i)))
    yield* frames
    at += count
    const isUsual = frames.every(({ block }) => (block?.byteLength ?? 0) <= USUAL_BLOCK_BYTES)
    atOnce = isUsual ? READ_AT_ONCE : 1
  }
}

/** A block of this machine, as it is stored. @throws NOT_AVAILABLE */
export async function readBlock(log: StoredLog, index: number): Promise<{ block: Uint8Array }> {
  const block = await log.readStored(index)
  if (block === undefined) throw notHere(index)
  return { block }
}

/** The leaf of a block, which need not be here. @throws NOT_AVAILABLE */
export async function readLeaf(
  log: StoredLog,
  index: number,
): Promise<{ hash: Uint8Array; sizeBytes: number }> {
  const leaf = await log.leaf(index)
  if (leaf === undefined) throw hashGone(index)
  return { hash: leaf.hash, sizeBytes: leaf.size }
}

export function partsOf(frame: Frame): Uint8Array[] {
  if (frame.block !== undefined) return [frameHead(frame.block.byteLength), frame.block]
  return [frameHead(format.LEAF_MARK), uint64(frame.sizeBytes), frame.hash]
}

function frameHead(value: number): Uint8Array {
  const bytes = new Uint8Array(format.FRAME_HEAD_BYTES)
  new DataView(bytes.buffer).setUint32(0, value, true)
  return bytes
}

// Hashes come with the blocks beside them: of many blocks in a row that were never here, some are missing.
function hashGone(index: number): HyperletterError {
  const message = `The hash of block ${index}, which is not carried, is not on this machine.`
  return new HyperletterError('NOT_AVAILABLE', message, {
    hint: 'Ask the author for a bundle, or a reader who had the issue before it was retracted.',
  })
}

/** The complaint about blocks or a tree on this disk that are not what was signed. */
export function damaged(): HyperletterError {
  const message = 'The log on this disk is damaged: its blocks are not those that were signed.'
  return new HyperletterError('INVALID_RECORD', message, {
    hint: 'Fetch the newsletter anew, into another data directory.',
  })
}

/**
 * The blocks that a bundle of a log carries: all of them, or from an entry on with the first record
 * and the newest profile. Never the contents of an issue that its author took back. The last range
 * has no end: the log may grow until the bundle is begun.
 * @param listing of the whole log; of nothing where it cannot be read here.
 * @param from.start index of the first block of the entry to begin with.
 * @param from.profile index of the newest profile, where it is known.
 */
export function rangesToCarry(
  listing: Pick<Listing, 'issues'> & Partial<Pick<Listing, 'letters'>>,
  { start, profile = 0 }: { readonly start: number; readonly profile?: number | undefined },
): BlockRange[] {
  const { issues, letters } = listing
  const heads = [0, profile].filter((it) => it < start).map(only)
  return without([...heads, { start, end: Infinity }], retractedContents({ issues, letters }))
}
