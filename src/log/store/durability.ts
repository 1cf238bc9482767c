import { hasCode, HyperletterError } from '../../errors.ts'
import type { Logger } from '../../logger.ts'
import { onStore } from '../../storage-errors.ts'
import type { Store } from './store.ts'
import { allocatedBelow, freeBytes } from './disk.ts'

/** What was stored lies in memory as well until it is flushed; of itself the store would wait for 64 MiB of it. */
const FLUSH_EVERY_MS = 5 * 60_000

/** Of the options of RocksDB: files of every age, and also those that nothing was deleted from. */
const EVERYTHING = { blobGarbageCollectionAgeCutoff: 1, bottommostLevelCompaction: 2 }

export interface DurabilityOptions {
  readonly store: Store
  readonly storeDir: string
  readonly logger: Logger
}

/** Whether what one store was given is on the disk, and whether that has room. */
export class Durability {
  readonly #options: DurabilityOptions
  readonly #full = new AbortController()
  #erasing: Promise<void> = Promise.resolve()
  #timer: NodeJS.Timeout | undefined

  constructor(options: DurabilityOptions) {
    this.#options = options
  }

  /** Aborts once the disk was full. The reason is an error: DISK_FULL. */
  get full(): AbortSignal {
    return this.#full.signal
  }

  /** Forces what was written so far to disk. @throws DISK_FULL */
  async flush(): Promise<void> {
    try {
      await onStore(() => this.#options.store.database.flush())
    } catch (error) {
      if (hasCode(error, 'DISK_FULL')) this.noteFull(error)
      throw error
    }
  }

  /** Does so now and then, until `close`. */
  flushRegularly(): void {
    const { logger } = this.#options
    this.#timer ??= setInterval(() => {
      this.flush().catch((err: unknown) => logger.debug({ err }, 'flushing'))
    }, FLUSH_EVERY_MS).unref()
  }

  /** Something could not be stored. Everything that is to be stored fails from now on; one line says it. */
  noteFull(cause: unknown): void {
    if (this.#full.signal.aborted) return
    this.#full.abort(
      new HyperletterError('DISK_FULL', 'The disk is full: nothing more can be stored.', {
        hint: 'What is here stays readable. Make room: a daemon then goes on by itself; without one, run the command again.',
        cause,
      }),
    )
    this.#options.logger.error({ code: 'DISK_FULL', err: cause }, 'nothing more is stored')
  }

  /** Rewrites the files of the store, so that what was dropped is no longer in them. */
  erase(): Promise<void> {
    const { store, storeDir } = this.#options
    const erasing = compact({ store, storeDir, share: 1 }, EVERYTHING)
    this.#erasing = erasing.catch(() => undefined)
    return erasing
  }

  /** Waits for what must not be cut off; the store can be closed after it. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    // It would end the process to be cut off.
    await this.#erasing
  }
}

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
