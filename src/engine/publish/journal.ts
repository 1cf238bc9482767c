import { attempt } from '../../errors.ts'
import { access, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { parseFeedKey, type FeedKey } from '../../format/keys/feed-key.ts'
import { succeeds } from '../../async.ts'
import { createSynced, makeDirectory, sha256Of } from '../../atomic-file.ts'

/** Blocks that are about to be appended to a feed at `start`. */
export interface PendingAppend {
  readonly feedKey: FeedKey
  readonly start: number
  readonly blocks: readonly Uint8Array[]
}

const SUFFIX = '.pending'
const HASH_BYTES = 32

/**
 * Appends on their way to disk. Hypercore does not fsync; an append that was acknowledged and then
 * lost with the power would be signed again with other blocks, and that is a fork. So the exact
 * blocks are on disk before they are appended, and are appended again if they are missing after a
 * crash: Ed25519 is deterministic, the result is the identical log.
 *
 * One file a feed: a line of JSON {start, sizes}, the blocks, and the SHA-256 of all before it.
 */
export class Journal {
  readonly #dir: string

  private constructor(dir: string) {
    this.#dir = dir
  }

  /** @throws INVALID_INPUT if the directory cannot be made; DISK_FULL. */
  static async open(dir: string): Promise<Journal> {
    await makeDirectory(dir)
    return new Journal(dir)
  }

  /** Once this resolves, the append survives a power loss. @throws DISK_FULL */
  async write({ feedKey, start, blocks }: PendingAppend): Promise<void> {
    const sizes = blocks.map((block) => block.byteLength)
    const parts = [Buffer.from(`${JSON.stringify({ start, sizes })}\n`), ...blocks]
    const path = this.#path(feedKey)
    try {
      // Not under another name first: the hash at the end shows what was not finished.
      await createSynced(path, parts, () => hashOf(parts))
    } catch (error) {
      // The caller is told that nothing was published, so nothing may be at the next start.
      await rm(path, { force: true })
      throw error
    }
  }

  async has(feedKey: FeedKey): Promise<boolean> {
    return succeeds(access(this.#path(feedKey)))
  }

  /** The append is on disk in the store itself, or was given up before it began. */
  async drop(feedKey: FeedKey): Promise<void> {
    await rm(this.#path(feedKey), { force: true })
  }

  /** Appends that a crash may have interrupted. Files that were not finished were never acknowledged, and go. */
  async pending(): Promise<PendingAppend[]> {
    const found: PendingAppend[] = []
    for (const it of await readdir(this.#dir, { withFileTypes: true })) {
      if (!it.isFile()) continue
      const { name } = it
      const path = join(this.#dir, name)
      const key = name.endsWith(SUFFIX) ? name.slice(0, -SUFFIX.length) : ''
      const feedKey = attempt(() => parseFeedKey(key))
      const append = feedKey === undefined ? undefined : parse(feedKey, await readFile(path))
      if (append === undefined) await rm(path, { force: true })
      else found.push(append)
    }
    return found
  }

  #path(feedKey: FeedKey): string {
    return join(this.#dir, feedKey + SUFFIX)
  }
}

function parse(feedKey: FeedKey, bytes: Buffer): PendingAppend | undefined {
  const hashed = bytes.subarray(0, -HASH_BYTES)
  const hash = hashOf([hashed])
  if (bytes.byteLength <= HASH_BYTES || !hash.equals(bytes.subarray(-HASH_BYTES))) return undefined
  const headEnd = hashed.indexOf('\n')
  const line = hashed.toString('utf8', 0, Math.max(headEnd, 0))
  const head = HEAD.safeParse(attempt((): unknown => JSON.parse(line)))
  // Finished, but not by this version: it stays, and is no entry that could be signed.
  if (!head.success) return { feedKey, start: 0, blocks: [] }
  const { start, sizes } = head.data
  let offset = headEnd + 1
  const blocks = sizes.map((size) => hashed.subarray(offset, (offset += size)))
  return { feedKey, start, blocks: offset === hashed.byteLength ? blocks : [] }
}

const HEAD = z.object({ start: z.int().nonnegative(), sizes: z.array(z.int().nonnegative()) })

function hashOf(parts: readonly Uint8Array[]): Buffer {
  return Buffer.from(sha256Of(parts), 'hex')
}
