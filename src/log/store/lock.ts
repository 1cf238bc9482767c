// Apart from what opens a store: that takes 200 ms to load.
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { tryLock } from 'fs-native-extensions'
import { HyperletterError } from '../../errors.ts'

/** By this file, its inode and an attribute of it, the stack knows a store from a copy of it. It carries the lock. */
export const DEVICE_FILE = 'CORESTORE'

/** Runs work while nobody can open the store of a directory, without opening it. @throws STORE_BUSY */
export async function withStoreLock<T>(storeDir: string, work: () => Promise<T>): Promise<T> {
  const file = await open(join(storeDir, DEVICE_FILE), 'r+').catch(() => undefined)
  try {
    // As `device-file` takes it. Closing the file gives it back.
    if (file !== undefined && !tryLock(file.fd)) {
      throw new HyperletterError('STORE_BUSY', 'Another process is using the data directory.', {
        hint: 'Run `hyperletter daemon stop`, or wait for the other command to end.',
      })
    }
    return await work()
  } finally {
    await file?.close()
  }
}
