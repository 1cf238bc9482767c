import type Hypercore from 'hypercore'
import type { BundleHeader } from '../../src/format/bundle/format.ts'
import { takeBundle } from '../../src/format/bundle/take.ts'
import { resultOf, verifyBundle, type VerifiedBundle } from '../../src/format/bundle/verify.ts'
import { writeBundle } from '../../src/format/bundle/write.ts'
import type { BlockRange } from '../../src/format/block-ranges.ts'
import { logOf } from './stores.ts'

/** A whole bundle in memory. */
export async function bundleOf(core: Hypercore, carried?: readonly BlockRange[]): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const piece of writeBundle(await logOf(core), carried)) pieces.push(piece)
  return Buffer.concat(pieces)
}

/** Bytes as they come from a disk, in pieces. */
export async function* piecesOf(bytes: Uint8Array, pieceBytes = 64 * 1024) {
  for (let at = 0; at < bytes.byteLength; at += pieceBytes) {
    yield await Promise.resolve(bytes.subarray(at, at + pieceBytes))
  }
}

/** Checks a bundle in memory. */
export async function verify(bytes: Uint8Array, pieceBytes?: number): Promise<VerifiedBundle> {
  return resultOf(verifyBundle(piecesOf(bytes, pieceBytes)))
}

/** Checks a bundle and stores it. Gives what it said of itself, and how many blocks were new. */
export async function take(
  core: Hypercore,
  bytes: Uint8Array,
): Promise<{ header: BundleHeader; added: number }> {
  const bundle = await verify(bytes)
  const added = await resultOf(takeBundle(await logOf(core), bundle, piecesOf(bytes)))
  return { header: bundle.header, added }
}
