import { randomBytes } from 'node:crypto'
import { closeSync, fstatSync } from 'node:fs'
import { rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate, setTimeout } from 'node:timers/promises'
import Corestore from 'corestore'
import Hypercore from 'hypercore'
import type { Config } from '../../config/config.ts'
import { hasCode, HyperletterError, ifMissing } from '../../errors.ts'
import { onStore } from '../../storage-errors.ts'
import { removeOldLogs, writeBufferFor } from './disk.ts'
import { DEVICE_FILE } from './lock.ts'
import { Store } from './store.ts'
import { assertOwnFolder, makeDirectory, replaceSynced } from '../../atomic-file.ts'

export interface StoreOptions {
  /** What it may take, as far as others wrote it; no limit when absent. */
  readonly capBytes?: number
  /** Called when this process has the lock, while the database opens, which takes 10 to 20 ms; once more if it is tried again. Must not throw. */
  readonly onLock?: () => void
}

/** Two processes that make one store at the same moment take each other's for a copy; a moment later it is whole. */
const LOOK_AGAIN_MS = [50, 200]

/**
 * Opens the store of a data directory and takes its lock. One that was copied here, or put back from a
 * backup, opens too; until `settleMove` it is known that it was.
 * @throws STORE_BUSY if another process has it, INVALID_INPUT if it cannot be made, if others may write to the
 * directory or the clock is wrong, DISK_FULL; FEED_BEHIND if it was copied and somebody else is opening it.
 */
export async function openStore(config: Config, options: StoreOptions = {}): Promise<Store> {
  const { dataDir, storeDir, keysDir, journalDir, publishedDir } = config
  assertClock()
  await makeDirectory(storeDir, dataDir)
  for (const it of [dataDir, storeDir, keysDir, journalDir, publishedDir]) await assertOwnFolder(it)
  for (const pauseMs of LOOK_AGAIN_MS) {
    try {
      return await tryToOpen(storeDir, options)
    } catch (error) {
      if (!hasCode(error, 'FEED_BEHIND')) throw error
      await setTimeout(pauseMs)
    }
  }
  const seen = await inodeOf(join(storeDir, DEVICE_FILE))
  try {
    return await tryToOpen(storeDir, options)
  } catch (error) {
    if (!hasCode(error, 'FEED_BEHIND')) throw error
    await adopt(config, seen)
    return tryToOpen(storeDir, options)
  }
}

// Hypercore stores with each change of a log when it was, as a number that is not negative.
function assertClock(): void {
  const now = new Date()
  if (now.getTime() >= 0) return
  const message = `The clock of this machine shows ${now.toISOString()}: nothing can be stored before 1970.`
  throw new HyperletterError('INVALID_INPUT', message, {
    hint: 'Let the system set the clock by itself, from the network.',
  })
}

/** Whether the store was moved, and its newsletters may not know yet that they have to catch up. */
export async function wasMoved(config: Config): Promise<boolean> {
  return (await inodeOf(markOf(config))) !== undefined
}

/** To call once that every newsletter knows. */
export async function settleMove(config: Config): Promise<void> {
  await rm(markOf(config), { force: true })
}

async function tryToOpen(storeDir: string, options: StoreOptions): Promise<Store> {
  const { capBytes = Infinity, onLock } = options
  const store = new Corestore(storageUnder(storeDir, capBytes))
  const locking = lockedFile(store)
  if (onLock !== undefined) void locking.then((it) => it !== undefined && onLock())
  try {
    refuseForks(store)
    await onStore(() => store.ready())
    await removeOldLogs(storeDir)
    return new Store(store)
  } catch (error) {
    await new Store(store).close().catch(() => undefined)
    await closeLeft(await locking, storeDir)
    throw error
  }
}

// The descriptor with the lock; undefined where that was not had. With the lock the database begins to open, in the same
// turn. What fails here fails there too.
async function lockedFile({ storage }: Corestore): Promise<number | undefined> {
  try {
    await storage.deviceFile?.ready()
    const fd = storage.deviceFile?.lock?._fd
    await setImmediate()
    return fd
  } catch {
    return undefined
  }
}

// rocksdb-native 3 leaves it open, and so the store locked, where the database cannot be opened.
async function closeLeft(fd: number | undefined, storeDir: string): Promise<void> {
  const ino = await inodeOf(join(storeDir, DEVICE_FILE))
  try {
    if (fd !== undefined && fstatSync(fd).ino === ino) closeSync(fd)
  } catch {
    // It was closed.
  }
}

// With a cap, what the storage keeps for itself is small, and it copies blocks only when it is told to:
// both would take room that the cap has not.
function storageUnder(storeDir: string, capBytes: number): string | object {
  if (capBytes === Infinity) return storeDir
  return Hypercore.defaultStorage(storeDir, {
    writeBufferSize: writeBufferFor(capBytes),
    blobGarbageCollectionAgeCutOff: 0,
  })
}

// First it is on disk that the store was moved, and only then the store stops saying so.
async function adopt(config: Config, seen: number | undefined): Promise<void> {
  await makeDirectory(config.publishedDir)
  await replaceSynced(markOf(config), [Buffer.from('The store was copied or put back.\n')])
  const path = join(config.storeDir, DEVICE_FILE)
  const aside = `${path}.${randomBytes(6).toString('hex')}`
  const isMoved = await rename(path, aside).then(() => true, ifMissing(false))
  if (!isMoved) return
  // Another process may have adopted it meanwhile; its lock lies on the file, under whatever name.
  if ((await inodeOf(aside)) === seen) await rm(aside, { force: true })
  else await rename(aside, path)
}

function markOf({ publishedDir }: Config): string {
  return join(publishedDir, 'moved')
}

function inodeOf(path: string): Promise<number | undefined> {
  return stat(path).then(
    (it) => it.ino,
    () => undefined,
  )
}

// `allowFork: false` counts only for whoever opens a core first, and a peer that asks for a stored core
// may be the first.
function refuseForks(store: Corestore): void {
  store.watch((core) => refuseFork(core as unknown as { readonly replicator: object }))
}

/** @throws INTERNAL where Hypercore would not heed it, so that no core opens. */
export function refuseFork({ replicator }: { readonly replicator: object }): void {
  const it = replicator as { allowFork?: unknown }
  if (typeof it.allowFork !== 'boolean') {
    const message = 'This version of Hypercore cannot be told to refuse forks.'
    throw new HyperletterError('INTERNAL', message)
  }
  it.allowFork = false
}

/**
 * Opens a store as it is at this moment, also while another process has it. Nothing is written, and whatever
 * would be fails with READ_ONLY. @throws STORE_DAMAGED, also where there is none; DISK_FAILED
 */
export async function openStoreReadOnly(storeDir: string): Promise<Store> {
  if ((await inodeOf(join(storeDir, 'db'))) === undefined) {
    throw new HyperletterError('STORE_DAMAGED', `There is no store in ${storeDir}.`)
  }
  const storage = Hypercore.defaultStorage(storeDir, { readOnly: true })
  const store = new Corestore(storage, { readOnly: true })
  try {
    await onStore(() => store.ready())
    return new Store(store)
  } catch (error) {
    await new Store(store).close().catch(() => undefined)
    throw error
  }
}

/** A store in a directory of its own, for one inspection. @throws DISK_FULL */
export function openScratchStore(directory: string): Promise<Store> {
  return tryToOpen(directory, {})
}
