import { randomBytes } from 'node:crypto'
import { open, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf } from '../../errors.ts'

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
