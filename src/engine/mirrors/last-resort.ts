import { HyperletterError } from '../../errors.ts'
import { without, type BlockRange } from '../../format/block-ranges.ts'
import { extend, takeBundle } from '../../format/bundle/take.ts'
import type { Feed } from '../../format/feed.ts'
import { asBundle, treeOfFiles, VerifiedFiles } from '../../format/log-files/verified-files.ts'
import { clipped, TILE_BLOCKS, type Leaf } from '../../format/log-files/layout.ts'
import type { LogFileSource } from '../../format/log-files/source.ts'
import type { Log } from '../../format/log.ts'
import { missingRanges } from '../../format/selection.ts'
import { nativeCrypto } from '../../log/keys.ts'
import { unheldOf } from '../../replication/copies.ts'
import { announceHeld } from '../../replication/downloader.ts'

const MAX_RANGES = 64

/** Bytes between two flushes: the store holds in memory what is not yet flushed. */
const FLUSH_EVERY_BYTES = 16 * 1024 * 1024

/** What has its place here, is not here, and is held by no connected peer; no more than the first ranges of it. */
export function missingHere(feed: Feed, within?: BlockRange): BlockRange[] {
  const { log, selection, dropped, length } = feed
  const wanted = clipped(without(selection.fetch, dropped), within ?? { start: 0, end: length })
  const unwanted = without([{ start: 0, end: length }], wanted)
  return unheldOf(log, missingRanges(log, unwanted, within ? TILE_BLOCKS : MAX_RANGES))
}

export interface TakeFilesOptions {
  readonly signal: AbortSignal
  /** Called with the length of the log there, once that is verified. */
  readonly onHead: (length: number) => void
  /** Forces to disk what was stored. */
  readonly flush: () => Promise<void>
}

/**
 * Takes from log files what is missing here and held by no connected peer: first the length, then blocks, each one
 * with its proof, as from a peer. It may be interrupted and done again.
 * @throws INVALID_LOG, FEED_CONFLICT, NOT_AVAILABLE; FEED_BEHIND if the log there is shorter; DISK_FULL, ABORTED.
 */
export async function takeFiles(
  feed: Feed,
  source: LogFileSource,
  { signal, onHead, flush }: TakeFilesOptions,
): Promise<void> {
  const { log, feedKey } = feed
  const files = await VerifiedFiles.open(source, {
    feedKey,
    signal,
    crypto: nativeCrypto,
    known: (tile) => leavesHere(log, tile),
  })
  const { length } = files.head
  onHead(length)
  if (length < log.length) {
    const message = `It has ${length} blocks of the newsletter; ${log.length} are known here.`
    throw new HyperletterError('FEED_BEHIND', message)
  }
  const bundle = await treeOfFiles(files, nativeCrypto)
  await extend(log, bundle)
  // What is wanted depends on what its records say.
  await feed.isComplete().catch(() => false)
  if (missingHere(feed).length === 0) return
  let unflushed = 0
  const counted = async function* () {
    for await (const piece of asBundle(files, (pack) => missingHere(feed, pack))) {
      unflushed += piece.byteLength
      yield piece
    }
  }
  try {
    for await (const _ of takeBundle(log, bundle, counted())) {
      signal.throwIfAborted()
      if (unflushed < FLUSH_EVERY_BYTES) continue
      await flush()
      unflushed = 0
    }
  } finally {
    await feed.dropUnwanted()
    for (const peer of log.peers) announceHeld(feed, peer)
    await flush()
  }
}

// Of a tile that is here, leaves need not be fetched.
async function leavesHere(log: Log, tile: number): Promise<readonly Leaf[] | undefined> {
  const first = tile * TILE_BLOCKS
  if (first + TILE_BLOCKS > log.length) return undefined
  const leaves: Leaf[] = []
  for (let index = first; index < first + TILE_BLOCKS; index++) {
    const leaf = await log.leaf(index)
    if (leaf === undefined) return undefined
    leaves.push(leaf)
  }
  return leaves
}
