import { without, type BlockRange } from '../block-ranges.ts'
import { encodeHeader } from '../bundle/format.ts'
import type { VerifiedBundle } from '../bundle/verify.ts'
import { partsOf } from '../bundle/write.ts'
import { concat } from '../bytes.ts'
import type { Crypto } from '../crypto.ts'
import { keyBytes } from '../keys/feed-key.ts'
import { treeOf } from './head.ts'
import { lastTile } from './layout.ts'
import type { VerifiedFiles } from './verified-files.ts'

/** Blocks to fetch: ascending, without overlaps. */
type Wanted = readonly BlockRange[] | ((within: BlockRange) => readonly BlockRange[])

/**
 * Log files as a bundle: with all that they carry, the very bytes that `writeBundle` makes of the same log. Tiles and
 * blocks are fetched on the way, and verified before they are given.
 * @param wanted blocks to fetch; the leaves of the others stand for them. Everything when absent. A function is asked
 * for each pack when its turn comes; the header then counts as if everything were fetched.
 * @throws INVALID_LOG, NOT_AVAILABLE, ABORTED
 */
export async function* asBundle(
  files: VerifiedFiles,
  wanted: Wanted = [{ start: 0, end: files.head.length }],
): AsyncGenerator<Uint8Array> {
  const { head } = files
  const all = [{ start: 0, end: head.length }]
  const carried = without(typeof wanted === 'function' ? all : wanted, head.holes)
  const blocks = carried.reduce((sum, { start, end }) => sum + end - start, 0)
  yield encodeHeader({ ...head, blocks }, keyBytes(head.feedKey))
  for (let tile = 0; tile <= lastTile(head.length); tile++) {
    for (const pack of await files.packs(tile)) {
      const now = typeof wanted === 'function' ? without(wanted(pack), head.holes) : carried
      yield concat((await files.frames(pack, now)).flatMap(partsOf))
    }
  }
}

/**
 * The tree over all blocks, for `takeBundle`, which stores what `asBundle` gives. It needs all tiles, and no block.
 * @throws INVALID_LOG, NOT_AVAILABLE, ABORTED
 */
export async function treeOfFiles(files: VerifiedFiles, crypto?: Crypto): Promise<VerifiedBundle> {
  const { head } = files
  const tree = treeOf([], crypto)
  for (let tile = 0; tile <= lastTile(head.length); tile++) {
    for (const { hash, size } of await files.leaves(tile)) tree.add(hash, size)
  }
  return { header: { ...head, blocks: head.length }, tree }
}
