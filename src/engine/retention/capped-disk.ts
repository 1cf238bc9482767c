import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from '../../config/config.ts'
import { HyperletterError } from '../../errors.ts'
import type { Feed } from '../../format/feed.ts'
import { compact } from '../../log/store/durability.ts'
import type { Store } from '../../log/store/store.ts'
import { allocatedBelow, bytesUnderCap, storeBytes, writeBufferFor } from '../../log/store/disk.ts'

/** Of a cap: above it nothing more is fetched. */
const FULL = 0.97

/** The storage's own logs, in write buffers. */
const LOGS = 2.2

/** Of the budget: what was dropped may lie on the disk before it is taken off. */
const DEAD_SHARE = 0.04
const DEAD_AT_LEAST_BYTES = 2 ** 20

/** Of what fits under a cap: letters, which are worth less than what was published. */
const LETTER_SHARE = 1 / 8

/** Too little to look for. */
const NEGLIGIBLE_BYTES = 2 ** 16

/** Of RocksDB: only files of which every block is dead go, and nothing is copied. */
const DEAD_FILES = { blobGarbageCollectionPolicy: 2 }

/** Of RocksDB: live blocks of the oldest files are copied, so that those files can go. */
const COPYING = { blobGarbageCollectionPolicy: 1, bottommostLevelCompaction: 2 }

/** Share of the files that are copied at a time: as much more room is taken meanwhile. */
const SHARE_AT_A_TIME = 0.05

/** Of RocksDB: bytes of blocks that are dead in files that also have living ones. */
const DEAD = 'rocksdb.live-blob-file-garbage-size'

export interface CappedDiskOptions {
  readonly config: Pick<Config, 'storeDir' | 'lettersDir'>
  readonly capBytes: number
  readonly store: Store
  /** What this user wrote takes, which does not count. */
  readonly ownBytes: () => Promise<number>
  /** Ends taking dead blocks off the disk. */
  readonly signal: AbortSignal
}

/** A disk with a cap: what fits on it, what is used, and how what was dropped leaves it. */
export class CappedDisk {
  readonly #options: CappedDiskOptions
  /** As the store was opened. */
  readonly #bufferBytes: number
  #capBytes: number
  /** Room that turned out to be taken by something that no newsletter accounts for. */
  #lostBytes = 0
  /** Dropped since dead blocks were taken off the disk, about. */
  #droppedBytes = 0
  /** What was left on it then; not known before the first time. */
  #deadBytes = Infinity
  #letterBytes = 0

  constructor(options: CappedDiskOptions) {
    this.#options = options
    this.#capBytes = options.capBytes
    this.#bufferBytes = writeBufferFor(options.capBytes)
  }

  /** `Infinity` for none. */
  get capBytes(): number {
    return this.#capBytes
  }

  set capBytes(capBytes: number) {
    this.#capBytes = capBytes
    this.#lostBytes = 0
  }

  /** What newsletters of others may take. */
  get budgetBytes(): number {
    return Math.max(0, this.#underCap - this.#lostBytes - this.#letterBytes)
  }

  /** What letters took when that was last looked at. */
  get letterBytes(): number {
    return this.#letterBytes
  }

  /** What letters may take beside them; `Infinity` without a cap. */
  get letterBudgetBytes(): number {
    return this.#underCap * LETTER_SHARE
  }

  /** What blocks of others take on this disk, with all that belongs to them, and letters. */
  async usedBytes(): Promise<number> {
    this.#letterBytes = await allocatedBelow(this.#options.config.lettersDir)
    return (await this.#blockBytes()) + this.#letterBytes
  }

  async #blockBytes(): Promise<number> {
    const { config, ownBytes } = this.#options
    return Math.max(0, (await storeBytes(config.storeDir)) - (await ownBytes()))
  }

  /** What may be fetched before the disk is full. `Infinity` without a cap. */
  async roomBytes(): Promise<number> {
    if (this.#capBytes === Infinity) return Infinity
    return this.#capBytes * FULL - (await this.usedBytes()) - LOGS * this.#bufferBytes
  }

  /** Whether something fits where nothing else is. */
  fits(bytes: number): boolean {
    return bytes <= this.#underCap
  }

  /** @throws TOO_LARGE if something never fits */
  assertFits(bytes: number): void {
    if (this.fits(bytes)) return
    throw new HyperletterError('TOO_LARGE', 'It is larger than the disk cap of this device.', {
      hint: 'Raise it with --disk-cap, or in the settings.',
    })
  }

  /** Something takes room that no newsletter accounts for. */
  lose(bytes: number): void {
    this.#lostBytes += Math.max(0, bytes)
  }

  /** It turned out to be accounted for. */
  regain(bytes = Infinity): void {
    this.#lostBytes = Math.max(0, this.#lostBytes - bytes)
  }

  /**
   * Counts as lost what newsletters take that have not been open yet.
   * @param heldBytes of those that have; @param areAll there are no others.
   */
  async measure(heldBytes: number, areAll: boolean): Promise<void> {
    if (this.#capBytes === Infinity) return
    // It may be what was dropped before a crash.
    if ((await this.usedBytes()) > this.#underCap) await this.reclaim()
    if (areAll) return
    const storageBytes = this.#capBytes - this.#underCap
    this.lose((await this.#blockBytes()) - heldBytes - storageBytes)
  }

  /** Drops what a feed does not want here. It stays on the disk until `reclaim`. */
  async drop(feed: Feed): Promise<void> {
    const blocks = await feed.dropUnwanted()
    this.#droppedBytes += blocks * (feed.log.byteLength / Math.max(1, feed.length))
  }

  /** Whether more was dropped than may stay on the disk for a while. */
  get isDirty(): boolean {
    return this.#droppedBytes > this.#bearableBytes
  }

  /** Whether anything was dropped since the last `reclaim`. */
  get hasDropped(): boolean {
    return this.#droppedBytes > 0
  }

  /** Whether `reclaim` would make room. */
  get isReclaimable(): boolean {
    return this.#droppedBytes + this.#deadBytes > NEGLIGIBLE_BYTES
  }

  /**
   * Takes what was dropped off the disk, but for a part that is bearable: the storage copies what lives
   * beside what is dead, so this is done for a good part at once.
   * @param options.wantedBytes room that is needed; @param options.isThorough less is bearable.
   */
  async reclaim({ wantedBytes = 0, isThorough = false } = {}): Promise<void> {
    this.#droppedBytes = 0
    this.#deadBytes = await this.#compact(async (deadBytes) => {
      const used = await this.usedBytes()
      if (used + wantedBytes > this.#capBytes * FULL) return deadBytes < NEGLIGIBLE_BYTES
      const [least, share] = isThorough ? [DEAD_AT_LEAST_BYTES, 0.05] : [this.#bearableBytes, 0.1]
      return deadBytes <= Math.max(least, used * share)
    })
  }

  // Without this the storage leaves dropped blocks there until it happens to write their neighbours anew. Whole
  // dead files go first, which takes no room; then, while what is left is more than is bearable, files with some
  // dead blocks are copied, a few at a time.
  async #compact(isBearable: (deadBytes: number) => Promise<boolean>): Promise<number> {
    const { store, signal } = this.#options
    const { storeDir } = this.#options.config
    const deadBytes = async () => Number(await store.database.getProperty(DEAD)) || 0
    // Only with this the storage learns which blocks are dead.
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

  get #bearableBytes(): number {
    const budget = this.budgetBytes
    return Math.max(DEAD_AT_LEAST_BYTES, budget === Infinity ? 0 : budget * DEAD_SHARE)
  }

  get #underCap(): number {
    return bytesUnderCap(this.#capBytes, this.#bufferBytes)
  }
}

async function blockFiles(storeDir: string): Promise<number> {
  const names = await readdir(join(storeDir, 'db')).catch(() => [])
  return names.filter((it) => it.endsWith('.blob')).length
}
