import { mkdir } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import Corestore from 'corestore'
import type { Config } from '../config.ts'
import { hasCode } from '../errors.ts'
import { onStore, unusableDirectory } from '../storage-errors.ts'

/** Two processes that make one store at the same moment take each other's for a copy; a moment later it is whole. */
const LOOK_AGAIN_MS = [50, 200]

/**
 * Opens the store of a data directory and takes its lock.
 * @throws STORE_BUSY if another process has it, FEED_BEHIND if it was copied, INVALID_INPUT if it cannot
 * be made, DISK_FULL.
 */
export async function openStore({ dataDir, storeDir }: Config): Promise<Corestore> {
  // The signing keys of newsletters lie in the store: for this user alone.
  await mkdir(storeDir, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw unusableDirectory(dataDir, error)
  })
  for (const pauseMs of LOOK_AGAIN_MS) {
    try {
      return await tryToOpen(storeDir)
    } catch (error) {
      if (!hasCode(error, 'FEED_BEHIND')) throw error
      await setTimeout(pauseMs)
    }
  }
  return tryToOpen(storeDir)
}

async function tryToOpen(storeDir: string): Promise<Corestore> {
  const store = new Corestore(storeDir)
  try {
    refuseForks(store)
    await onStore(() => store.ready())
    return store
  } catch (error) {
    await store.close().catch(() => undefined)
    throw error
  }
}

// `allowFork: false` counts only for whoever opens a core first, and a peer that asks for a stored core
// may be the first.
function refuseForks(store: Corestore): void {
  store.watch((core) => {
    ;(core as unknown as { replicator: { allowFork: boolean } }).replicator.allowFork = false
  })
}
