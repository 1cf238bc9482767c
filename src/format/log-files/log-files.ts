import { orAborted } from '../../async.ts'
import { includes, merged, only, type BlockRange } from '../block-ranges.ts'
import { LISTING_LIMITS } from '../history/known-record.ts'
import { type EncryptionKey, keyBytes, type FeedKey } from '../keys/feed-key.ts'
import { notHere, type BlockSource, type Fetch, type ReadOptions } from '../log.ts'
import { clipped, lastTile, tileOf, type Pack } from './layout.ts'
import type { LogFileSource } from './source.ts'
import { VerifiedFiles, type StoredBlocks, type VerifiedFilesOptions } from './verified-files.ts'
import { xsalsa20 } from '@noble/ciphers/salsa.js'
import { namespace } from '../bundle/format.ts'
import { concat, uint64 } from '../bytes.ts'
import { blake2b } from '../crypto.ts'

/** Verified blocks that are kept to be read again, in bytes. */
const CACHE_BYTES = 16 * 2 ** 20

/** Once a pack was asked more often for a part of it, all of it is fetched. */
const PARTS_OF_A_PACK = 4

/** If the bytes fetched around one block were not enough, this many times as many are fetched around the next. */
const MORE_AROUND = 10

/** Tiles whose records are fetched at the same time. */
const TILES_AT_ONCE = 3

export interface LogFilesOptions extends VerifiedFilesOptions {
  /** Of a private newsletter: `read` gives its blocks decrypted. */
  readonly encryptionKey?: EncryptionKey | undefined
}

interface Waiting {
  readonly promise: Promise<Uint8Array>
  readonly resolve: (block: Uint8Array) => void
  readonly reject: (error: unknown) => void
}

/**
 * A log in the form of files, to read issues from: `History` lists them and `Contents` reads their texts. What is read
 * in the same turn is fetched with as few requests as possible.
 */
export class LogFiles implements BlockSource {
  readonly files: VerifiedFiles
  readonly #decrypt: (stored: Uint8Array, index: number) => Uint8Array
  readonly #waiting = new Map<number, Waiting>()
  #wanted: number[] = []
  #ahead: readonly BlockRange[] = []
  readonly #parts = new Map<string, number>()
  readonly #cache = new Map<number, Uint8Array>()
  #cacheBytes = 0
  #roundsAround = 0
  readonly #records = new Map<number, Uint8Array>()

  private constructor(files: VerifiedFiles, encryptionKey: EncryptionKey | undefined) {
    this.files = files
    this.#decrypt =
      encryptionKey === undefined ? (it) => it : decrypterOf(files.head.feedKey, encryptionKey)
  }

  /** Reads the head. @throws INVALID_LOG; NOT_AVAILABLE if there is none. */
  static async open(source: LogFileSource, options: LogFilesOptions = {}): Promise<LogFiles> {
    return new LogFiles(await VerifiedFiles.open(source, options), options.encryptionKey)
  }

  /** Blocks in the log, as the author signed it. */
  get length(): number {
    return this.files.head.length
  }

  /**
   * One block, decrypted where there is a key. `wait: false`: only what was fetched before.
   * @throws NOT_AVAILABLE for one that is not carried; INVALID_LOG, ABORTED.
   */
  async read(
    index: number,
    { wait = true, signal, bytesAround = 0 }: ReadOptions = {},
  ): Promise<Uint8Array> {
    signal?.throwIfAborted()
    const held = this.#held(index)
    if (held !== undefined) return this.#decrypt(held, index)
    if (!wait || !this.files.carries(index)) throw notHere(index)
    const fetching = bytesAround > 0 ? this.#waitAround(index, bytesAround) : this.#wait(index)
    return this.#decrypt(
      await (signal === undefined ? fetching : orAborted(fetching, signal)),
      index,
    )
  }

  /** Blocks of this range that are read one by one later are fetched together. */
  fetch(range: BlockRange): Fetch {
    this.#ahead = [...this.#ahead, range]
    const destroy = () => {
      this.#ahead = this.#ahead.filter((it) => it !== range)
    }
    return { done: () => Promise.resolve(), destroy }
  }

  /**
   * Fetches the files of records, so that the whole log can be listed with two requests for 256 blocks. Records without
   * them are read from packs like other blocks. @throws INVALID_LOG
   */
  async fetchRecords(): Promise<void> {
    let bytes = 0
    // Newest first: of a log that is too long, these are the ones that can be listed.
    for (let last = lastTile(this.length); last >= 0; last -= TILES_AT_ONCE) {
      const count = Math.min(TILES_AT_ONCE, last + 1)
      const tiles = Array.from({ length: count }, (_, i) => this.files.records(last - i))
      for (const records of await Promise.all(tiles)) {
        for (const [index, block] of records) {
          this.#records.set(index, block)
          bytes += block.byteLength
        }
      }
      if (bytes > LISTING_LIMITS.bytes) return
    }
  }

  #held(index: number): Uint8Array | undefined {
    return this.#records.get(index) ?? this.#cache.get(index)
  }

  /** Waits for a block, and asks in the same request for those around it, as far as they are carried and not here. */
  async #waitAround(index: number, bytes: number): Promise<Uint8Array> {
    const packs = await this.files.packs(tileOf(index))
    const pack = packs.find((it) => includes(it, index))
    const offsetOf = (it: number) => pack?.offsets[it - pack.start] ?? NaN
    const most = bytes * MORE_AROUND ** this.#roundsAround++
    const isWanted = (it: number) =>
      Math.abs(offsetOf(it) - offsetOf(index)) <= most &&
      this.files.carries(it) &&
      this.#held(it) === undefined
    for (let it = index - 1; isWanted(it); it--) void this.#wait(it)
    for (let it = index + 1; isWanted(it); it++) void this.#wait(it)
    return this.#wait(index)
  }

  #wait(index: number): Promise<Uint8Array> {
    const before = this.#waiting.get(index)
    if (before !== undefined) return before.promise
    const waiting = deferred()
    this.#waiting.set(index, waiting)
    if (this.#wanted.length === 0) queueMicrotask(() => this.#fetchWanted())
    this.#wanted.push(index)
    return waiting.promise
  }

  #fetchWanted(): void {
    const wanted = this.#wanted
    this.#wanted = []
    for (const tile of new Set(wanted.map(tileOf))) {
      const ofTile = wanted.filter((it) => tileOf(it) === tile)
      void this.#fetchOfTile(tile, ofTile)
    }
  }

  // Never rejects: who waits for a block gets the failure.
  async #fetchOfTile(tile: number, indexes: readonly number[]): Promise<void> {
    try {
      const packs = await this.files.packs(tile)
      await Promise.all(packs.map((pack) => this.#fetchOfPack(pack, indexes)))
    } catch (error) {
      for (const index of indexes) {
        this.#waiting.get(index)?.reject(error)
        this.#waiting.delete(index)
      }
    }
  }

  async #fetchOfPack(pack: Pack, indexes: readonly number[]): Promise<void> {
    const inside = indexes.filter((it) => includes(pack, it))
    if (inside.length === 0) return
    const rest = { start: Math.min(...inside), end: pack.end }
    const ahead = this.#ahead.filter((range) => inside.some((it) => includes(range, it)))
    const ranges = merged([...inside.map(only), ...ahead.flatMap((it) => clipped([it], rest))])
    const parts = (this.#parts.get(pack.path) ?? 0) + ranges.length
    this.#parts.set(pack.path, parts)
    await Promise.all(
      (parts > PARTS_OF_A_PACK ? [pack] : ranges).map(async (range) =>
        this.#remember(await this.files.blocks(pack, range)),
      ),
    )
  }

  #remember(blocks: StoredBlocks): void {
    for (const [index, block] of blocks) {
      this.#waiting.get(index)?.resolve(block)
      this.#waiting.delete(index)
      if (this.#cache.has(index)) continue
      this.#cache.set(index, block)
      this.#cacheBytes += block.byteLength
    }
    for (const [oldest, { byteLength }] of this.#cache) {
      if (this.#cacheBytes <= CACHE_BYTES) return
      this.#cache.delete(oldest)
      this.#cacheBytes -= byteLength
    }
  }
}

function deferred(): Waiting {
  let resolve: Waiting['resolve'] = () => undefined
  let reject: Waiting['reject'] = () => undefined
  const promise = new Promise<Uint8Array>((yes, no) => {
    resolve = yes
    reject = no
  })
  promise.catch(() => undefined)
  return { promise, resolve, reject }
}

const PREFIX_BYTES = 8
const BLOCK_ENCRYPTION = 5

/**
 * What reads the stored blocks of a private newsletter: see docs/format.md, section 11. A wrong key gives garbage and no
 * error, which `Readability` notices.
 */
function decrypterOf(
  feedKey: FeedKey,
  encryptionKey: EncryptionKey,
): (stored: Uint8Array, index: number) => Uint8Array {
  const keys = [keyBytes(feedKey), keyBytes(encryptionKey)]
  const key = blake2b([namespace(BLOCK_ENCRYPTION), ...keys])
  return (stored, index) => {
    const prefix = stored.subarray(0, PREFIX_BYTES)
    // Too short to be one: not a record either.
    if (prefix.byteLength < PREFIX_BYTES) return stored
    const nonce = concat([uint64(index), prefix, new Uint8Array(8)])
    return xsalsa20(key, nonce, stored.subarray(PREFIX_BYTES))
  }
}
