import type { EncryptionKey, FeedKey } from '../../format/keys/feed-key.ts'
import type { HypercoreLog } from '../../log/hypercore-log.ts'
import { openSingleLog } from '../../log/single-log.ts'
import { Database } from './store/database.ts'
import { RocksDB } from './store/rocksdb.ts'

export interface TabLogOptions {
  readonly feedKey: FeedKey
  readonly encryptionKey?: EncryptionKey | undefined
}

/** Of the database and of the lock of a newsletter. */
const nameOf = (feedKey: FeedKey) => `hyperletter/${feedKey}`

/** Not every WebKit has it, and no page that came over plain HTTP from another machine. */
const { storage } = navigator as { readonly storage?: StorageManager }

/** How much the browser lets this site keep, in bytes, if it says so. */
export async function storageQuota(): Promise<number | undefined> {
  return (await storage?.estimate().catch(() => undefined))?.quota
}

/** Asks the browser not to delete by itself what this site keeps. */
export async function keepStorage(): Promise<void> {
  await storage?.persist().catch(() => false)
}

/**
 * Waits for the right to write what this browser keeps of a newsletter: two tabs with one store would damage it.
 * @returns what gives it back; undefined if another tab has it, and `wait` is false.
 */
export function takeLock(feedKey: FeedKey, wait: boolean): Promise<(() => void) | undefined> {
  return new Promise((resolve, reject) => {
    navigator.locks
      .request(nameOf(feedKey), { ifAvailable: !wait }, (lock) => {
        if (lock !== null) return new Promise<void>((release) => resolve(release))
        resolve(undefined)
        return undefined
      })
      .catch(reject)
  })
}

/**
 * The log of a newsletter in IndexedDB, whatever is here of it: a Hypercore as in the daemon, in a database of its own.
 * @throws Error where the browser keeps nothing, such as in a private window.
 */
export async function openTabLog({ feedKey, encryptionKey }: TabLogOptions): Promise<HypercoreLog> {
  const database = await Database.open(nameOf(feedKey))
  try {
    return await openSingleLog(new RocksDB(database), feedKey, encryptionKey)
  } catch (error) {
    await database.close()
    throw error
  }
}
