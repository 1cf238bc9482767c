import { execFile } from 'node:child_process'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { onTestFinished } from 'vitest'
import { codeOf } from '../../src/errors.ts'
import { temporaryDirectory } from './temporary-directory.ts'

const run = promisify(execFile)

/** Why `smallDisk` cannot work here, if it cannot. */
export const NO_SMALL_DISK =
  process.platform === 'linux' && process.getuid?.() === 0
    ? undefined
    : 'A disk to fill needs root on Linux, to mount one.'

/** A new file system in memory with room for `sizeMib`; it goes when the running test ends. */
export async function smallDisk(sizeMib: number): Promise<string> {
  const directory = await temporaryDirectory()
  await run('mount', ['-t', 'tmpfs', '-o', `size=${sizeMib}m,mode=700`, 'tmpfs', directory])
  onTestFinished(async () => {
    await run('umount', ['--lazy', directory])
  })
  return directory
}

/** Lets the file system that `smallDisk` mounted take no writes from now on. */
export async function remountReadOnly(directory: string): Promise<void> {
  await run('mount', ['-o', 'remount,ro', directory])
}

/** Takes all the room that is left on the disk of a directory; gives the file that does. */
export async function fillDisk(directory: string): Promise<string> {
  const path = join(directory, 'filling')
  // Through one handle: by its path, a disk that is unmounted meanwhile would give way to the one below.
  await using file = await open(path, 'a')
  const pieces = [1024 * 1024, 4096, 1].map((sizeBytes) => Buffer.alloc(sizeBytes))
  for (const piece of pieces) {
    for (;;) {
      try {
        await file.writeFile(piece)
      } catch (error) {
        if (codeOf(error) !== 'ENOSPC') throw error
        break
      }
    }
  }
  return path
}
