import { readdir, rm, stat, open, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { randomBytes } from 'node:crypto'
import { codeOf } from '../../errors.ts'

/** How much RocksDB reserves for its list of files. */
const MANIFEST_BYTES = 4.2e6

/** Its own, and enough where there is room. */
const LARGEST_BUFFER_BYTES = 64 * 2 ** 20
const SMALLEST_BUFFER_BYTES = 2 ** 19

/** The write-ahead log is reserved ahead, and the next one while the last is still written out. */
const LOGS = 3.3

/** Of a cap: kept clear of all that is planned, for blocks that are dead and not removed yet. */
const SLACK = 0.05

/** Bytes of the tree and of the index for one block. */
const BLOCK_BYTES = 150

/** Smaller blocks lie among the keys of the storage, which are copied whole now and then. */
const SMALL_BLOCK_BYTES = 4_096

/**
 * How many bytes the storage collects before it writes a file. With a small cap little, for what it reserves
 * counts too, and a file goes only when all blocks in it are dead.
 */
export function writeBufferFor(capBytes: number): number {
  const share = Math.floor(capBytes / 32)
  return Math.min(LARGEST_BUFFER_BYTES, Math.max(SMALLEST_BUFFER_BYTES, share))
}

/**
 * How many bytes of blocks fit under a cap, besides what the storage needs for itself.
 * @param bufferBytes what it collects before it writes a file.
 */
export function bytesUnderCap(capBytes: number, bufferBytes = writeBufferFor(capBytes)): number {
  if (capBytes === Infinity) return Infinity
  const fixed = MANIFEST_BYTES + LOGS * bufferBytes
  return Math.max(0, capBytes * (1 - SLACK) - fixed)
}

/** What so many bytes in so many blocks take on the disk, about. */
export function diskBytes(bytes: number, blocks: number): number {
  const copies = blocks > 0 && bytes / blocks < SMALL_BLOCK_BYTES ? 2 : 1
  return bytes * copies + blocks * BLOCK_BYTES
}

/** What RocksDB logs in words, of which it starts a new file at each opening. */
const TEXT_LOG = /^LOG(\.old\.\d+)?$/

/** Removes what RocksDB logged in words when the store was open before, but for the last time: it would keep 1,000 files. */
export async function removeOldLogs(storeDir: string): Promise<void> {
  const folder = join(storeDir, 'db')
  const names = await readdir(folder).catch(() => [])
  const old = names.filter((it) => it !== 'LOG' && TEXT_LOG.test(it)).toSorted()
  await Promise.all(old.slice(0, -1).map((it) => rm(join(folder, it), { force: true })))
}

/** What a store takes, without what RocksDB logs in words. */
export function storeBytes(storeDir: string): Promise<number> {
  return allocatedBelow(storeDir, (name) => !TEXT_LOG.test(name))
}

/** What all files below a directory take on the disk, reserved room included where the system reports it. */
export async function allocatedBelow(
  dir: string,
  isCounted: (name: string) => boolean = () => true,
): Promise<number> {
  let sum = 0
  const entries = await readdir(dir, { withFileTypes: true, recursive: true }).catch(() => [])
  for (const entry of entries) {
    if (!entry.isFile() || !isCounted(entry.name)) continue
    // A file that vanishes meanwhile takes nothing.
    const found = await stat(join(entry.parentPath, entry.name)).catch(() => undefined)
    if (found === undefined) continue
    sum += found.blocks > 0 ? found.blocks * 512 : found.size
  }
  return sum
}

/**
 * What has to be free on the disk of a data directory: more than the store takes to open, when it writes down
 * what lay in its write-ahead log.
 */
export const NEEDED_FREE_BYTES = 16 * 1024 * 1024

/** Pieces of this size are written to see whether they fit. */
const PIECE_BYTES = 1024 * 1024

/**
 * Whether `sizeBytes` fit on the disk of a directory. They are written, to random content and for a
 * moment: what a file system reports as free leaves out quotas, and counts what is reserved for others.
 */
export async function hasFreeSpace(directory: string, sizeBytes: number): Promise<boolean> {
  if ((await freeBytes(directory)) < sizeBytes) return false
  const path = join(directory, 'room.tmp')
  try {
    const file = await open(path, 'w', 0o600)
    try {
      // Compressed or made sparse, it would not take the room that it asks for.
      const piece = randomBytes(PIECE_BYTES)
      for (let left = sizeBytes; left > 0; left -= PIECE_BYTES) {
        await file.writeFile(left < PIECE_BYTES ? piece.subarray(0, left) : piece)
      }
      await file.datasync()
    } finally {
      await file.close()
    }
    return true
  } catch (error) {
    if (['ENOSPC', 'EDQUOT'].includes(codeOf(error) ?? '')) return false
    throw error
  } finally {
    await rm(path, { force: true })
  }
}

/** What the file system of a directory says is free for us. */
export async function freeBytes(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory)
  return bavail * bsize
}
