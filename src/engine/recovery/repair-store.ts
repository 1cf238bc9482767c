import { readdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from '../../config/config.ts'
import { attempt, hasCode, HyperletterError, ifMissing } from '../../errors.ts'
import { keyBytes, parseFeedKey, type FeedKey } from '../../format/keys/feed-key.ts'
import { withStoreLock } from '../../log/store/lock.ts'
import { openStore, openStoreReadOnly } from '../../log/store/opening.ts'
import { mendCurrent, salvage, scrub, type Scrubbed } from '../../log/store/salvage.ts'
import type { Store } from '../../log/store/store.ts'
import { LIBRARY_COPY, LIBRARY_NAME } from '../library/library-copy.ts'
import { Library } from '../library/library.ts'
import { PublishedNotes, UNKNOWN } from '../publish/author-files.ts'

export interface StoreRepair {
  /** Why a new store was made; absent where every file of the store could be read. */
  readonly damage?: HyperletterError
  /** Where the damaged store lies now. */
  readonly aside?: string
  /** Newsletters in the library, and blocks of them that are in the store, and that were lost with the damaged one. */
  readonly newsletters: number
  readonly blocks: number
  readonly lost: number
}

/**
 * Makes a new store where anything in the store of a data directory cannot be read: with the newsletters and marks of
 * the copy of the library, the newsletters that there are signing keys of, and each block of the damaged store
 * that can be read. Peers send the rest. The damaged store is kept beside it.
 * @throws STORE_BUSY while a process has the store; DISK_FULL, READ_ONLY, DISK_FAILED
 */
export async function repairStore(config: Config): Promise<StoreRepair> {
  const found = await withStoreLock(config.storeDir, () => inspect(config.storeDir))
  if (!(found instanceof HyperletterError)) return found
  const aside = `${config.storeDir}.damaged-${new Date().toISOString().replaceAll(':', '')}`
  await withStoreLock(config.storeDir, () => rename(config.storeDir, aside)).catch(
    ifMissing(undefined),
  )
  await mendCurrent(aside)
  return { ...(await rebuild(config, aside)), damage: found, aside }
}

/** What is there, or why not all of it can be read. */
async function inspect(storeDir: string): Promise<StoreRepair | HyperletterError> {
  try {
    const store = await openStoreReadOnly(storeDir)
    try {
      const log = await store.openKeyValues(LIBRARY_NAME)
      const library = await Library.open(log)
      for await (const _ of log.entries({ gte: '', lt: '~' }));
      const all: Scrubbed[] = []
      for (const it of library.list()) all.push(await scrub(store, keyBytes(it.feedKey)))
      const sum = total(all)
      if (sum.lost === 0) return { ...sum, newsletters: all.length }
      return new HyperletterError('STORE_DAMAGED', `${sum.lost} blocks of issues cannot be read.`)
    } finally {
      await store.close().catch(() => undefined)
    }
  } catch (error) {
    if (hasCode(error, 'STORE_DAMAGED', 'LIBRARY_DAMAGED')) return error
    throw error
  }
}

async function rebuild(config: Config, aside: string): Promise<StoreRepair> {
  const store = await openStore(config)
  try {
    const copyPath = join(config.dataDir, LIBRARY_COPY)
    const library = await Library.open(await store.openKeyValues(LIBRARY_NAME), { copyPath })
    await addAuthored(config, library)
    const keys = library.list().map((it) => it.feedKey)
    const sum = await salvageAll(aside, store, keys)
    await library.close()
    return { ...sum, newsletters: keys.length }
  } finally {
    await store.close()
  }
}

// The log of a newsletter may have been longer than what is saved of it, so its author asks peers before publishing.
async function addAuthored({ keysDir, publishedDir }: Config, library: Library): Promise<void> {
  const notes = await PublishedNotes.open(publishedDir)
  for (const name of await readdir(keysDir).catch(() => [])) {
    const feedKey = attempt(() => parseFeedKey(name))
    if (feedKey === undefined) continue
    if (library.get(feedKey)?.roles.includes('author') !== true) {
      await library.add(feedKey, 'author')
    }
    if ((await notes.get(feedKey)) === undefined) await notes.put(feedKey, UNKNOWN)
  }
}

async function salvageAll(aside: string, to: Store, keys: readonly FeedKey[]): Promise<Scrubbed> {
  const nothing = { blocks: 0, lost: 0 }
  const from = await openStoreReadOnly(aside).catch(() => undefined)
  if (from === undefined) return nothing
  try {
    const all: Scrubbed[] = []
    for (const it of keys) {
      const one = await salvage(from, to, keyBytes(it)).catch((error: unknown) => {
        if (hasCode(error, 'DISK_FULL', 'READ_ONLY')) throw error
        return nothing
      })
      all.push(one)
    }
    return total(all)
  } finally {
    await from.close().catch(() => undefined)
  }
}

function total(all: readonly Scrubbed[]): Scrubbed {
  const sum = (of: 'blocks' | 'lost') => all.reduce((so, it) => so + it[of], 0)
  return { blocks: sum('blocks'), lost: sum('lost') }
}
