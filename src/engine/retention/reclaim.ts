import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type Corestore from 'corestore'
import type { Feed } from '../../format/feed.ts'
import { compact } from '../../log/store/compaction.ts'

/** Of RocksDB: only files of which every block is dead go, and nothing is copied. */
const DEAD_FILES = { blobGarbageCollectionPolicy: 2 }

/** Of RocksDB: live blocks of the oldest files are copied, so that those files can go. */
const COPYING = { blobGarbageCollectionPolicy: 1, bottommostLevelCompaction: 2 }

/** Share of the files that are copied at a time: so much more room is taken meanwhile. */
const SHARE_AT_A_TIME = 0.05

/** Of RocksDB: bytes of blocks that are dead in files that also have living ones. */
const DEAD = 'rocksdb.live-blob-file-garbage-size'

/** Too little to look for. */
export const NEGLIGIBLE_BYTES = 2 ** 16

export interface ReclaimerOptions {
  readonly store: Corestore
  readonly storeDir: string
  readonly signal: AbortSignal
}

/** Drops blocks, and takes them off the disk. */
export class Reclaimer {
  readonly #options: ReclaimerOptions
  /** Since the disk was last freed of what is dead. */
  #droppedBytes = 0
  /** What was left on it then; not known before the first time. */
  #deadBytes = Infinity

  constructor(options: ReclaimerOptions) {
    this.#options = options
  }

  /** Dropped since the last `reclaim`, about. */
  get droppedBytes(): number {
    return this.#droppedBytes
  }

  /** Whether `reclaim` would make room. */
  get isWorthwhile(): boolean {
    return this.#droppedBytes + this.#deadBytes > NEGLIGIBLE_BYTES
  }

  /** Drops what a feed does not want here. */
  async drop(feed: Feed): Promise<void> {
    const blocks = await feed.dropUnwanted()
    this.#droppedBytes += blocks * (feed.log.byteLength / Math.max(1, feed.length))
  }

  /** Takes what was dropped off the disk. @param isBearable whether so many dead bytes may stay. */
  async reclaim(isBearable: (deadBytes: number) => Promise<boolean>): Promise<void> {
    this.#droppedBytes = 0
    this.#deadBytes = await reclaim(this.#options, isBearable)
  }
}

// Of itself the storage leaves dropped blocks there until it happens to write their neighbours anew. Whole dead
// files go first, which takes no room; then, while what is left is more than is bearable, files with some
// dead blocks are copied, a few at a time.
async function reclaim(
  { store, storeDir, signal }: ReclaimerOptions,
  isBearable: (deadBytes: number) => Promise<boolean>,
): Promise<number> {
  const deadBytes = async () => Number(await store.storage.db.getProperty(DEAD)) || 0
  // Only this tells the storage which blocks are dead.
  await compact({ store, storeDir, share: 0 }, DEAD_FILES)
  const files = await blockFiles(storeDir)
  const share = Math.min(1, Math.max(SHARE_AT_A_TIME, 1.01 / Math.max(1, files)))
  let left = await deadBytes()
  for (let done = 0; done < 1 && !signal.aborted && !(await isBearable(left)); done += share) {
    const options = { ...COPYING, blobGarbageCollectionAgeCutoff: share }
    await compact({ store, storeDir, share }, options)
    left = await deadBytes()
  }
  return left
}

async function blockFiles(storeDir: string): Promise<number> {
  const names = await readdir(join(storeDir, 'db')).catch(() => [])
  return names.filter((it) => it.endsWith('.blob')).length
}
