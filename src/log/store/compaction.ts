import { HyperletterError } from '../../errors.ts'
import { onStore } from '../../storage-errors.ts'
import { allocatedBelow } from './disk.ts'
import { freeBytes } from './free-space.ts'
import type { Store } from './store.ts'

/** Options of RocksDB; see where they are used. */
export type CompactionOptions = NonNullable<Parameters<Store['database']['compactRange']>[2]>

/** What RocksDB writes besides what it copies. */
const MARGIN_BYTES = 8 * 1024 * 1024

/** Of RocksDB: how often writing in the background failed since it was opened. */
const ERRORS = 'rocksdb.background-errors'

export interface Compacting {
  readonly store: Store
  readonly storeDir: string
  /** Of the files of the store: what is copied at most. */
  readonly share: number
}

/**
 * Rewrites files of the store. On a full disk rocksdb-native 3 ends the whole process where it should
 * report that a compaction failed, so none is begun without room for it, or after a write failed.
 * @throws DISK_FULL
 */
export function compact(
  { store, storeDir, share }: Compacting,
  options: CompactionOptions,
): Promise<void> {
  const db = store.database
  return onStore(async () => {
    await db.flush()
    const neededBytes = MARGIN_BYTES + share * (await allocatedBelow(storeDir))
    const hasFailed = Number(await db.getProperty(ERRORS)) > 0
    if (hasFailed || (await freeBytes(storeDir)) < neededBytes) {
      throw new HyperletterError('DISK_FULL', 'The disk has no room to rewrite the store.')
    }
    await db.compactRange(null, null, options)
  })
}
