import { join } from 'node:path'
import { makeDirectory } from '../atomic-file.ts'
import { diskCapOf } from '../config/keep.ts'
import { LiveConfig } from '../config/live.ts'
import type { HyperletterError } from '../errors.ts'
import { type Logger, short } from '../logger.ts'
import type { Config } from '../config/config.ts'
import { openStore, openStoreReadOnly, settleMove, wasMoved } from '../log/store/opening.ts'
import type { Store } from '../log/store/store.ts'
import { LIBRARY_COPY, LIBRARY_NAME } from './library/library-copy.ts'
import { Library } from './library/library.ts'
import { NetworkSession } from './network/network-session.ts'
import { PublishedNotes, SigningKeys } from './publish/author-files.ts'
import { Journal } from './publish/journal.ts'
import type { Author } from './publish/author.ts'
import type { Continuity } from './publish/continuity.ts'
import type { Feeds } from './feeds.ts'

export interface OpeningOptions {
  readonly config: Config
  /** Holds `config`, where that may change while running; the engine's own when absent. */
  readonly live?: LiveConfig
  readonly logger: Logger
  /** The network will be needed: finding its way begins while the store opens. */
  readonly online?: boolean
  /** Why nothing can be written: the store is opened to be read, without its lock and without the network. */
  readonly readOnlyFor?: HyperletterError | undefined
}

export interface EngineParts {
  readonly store: Store
  readonly library: Library
  readonly capBytes: number
  readonly networkSession: NetworkSession
  readonly live: LiveConfig
  readonly journal: Journal
  readonly keys: SigningKeys
  readonly notes: PublishedNotes
}

/**
 * Takes the lock of a data directory, and opens what is in it.
 * @throws STORE_BUSY if another process has the directory; INVALID_INPUT if it cannot be made; DISK_FULL.
 */
export async function openParts(options: OpeningOptions): Promise<EngineParts> {
  const { config, readOnlyFor } = options
  // The cap is written down in it.
  if (readOnlyFor === undefined) await makeDirectory(config.dataDir)
  const capBytes = readOnlyFor === undefined ? diskCapOf(config) : Infinity
  const live = options.live ?? new LiveConfig(config)
  const networkSession = new NetworkSession(live, options.logger)
  const onLock = () => {
    if (options.online === true) networkSession.prepare()
  }
  const opening =
    readOnlyFor === undefined
      ? openStore(config, { capBytes, onLock })
      : openStoreReadOnly(config.storeDir)
  // Nothing of it is used before this process has the lock.
  const files = Promise.all([
    Journal.open(config.journalDir),
    SigningKeys.open(config.keysDir),
    PublishedNotes.open(config.publishedDir),
  ])
  files.catch(() => undefined)
  try {
    const store = await opening
    const library = await Library.open(await store.openKeyValues(LIBRARY_NAME), {
      copyPath: join(config.dataDir, LIBRARY_COPY),
      readOnlyFor,
    })
    const [journal, keys, notes] = await files
    if (library.restored !== undefined) {
      const facts = { newsletters: library.restored }
      options.logger.warn(facts, 'the store lost changes of the library: restored from its copy')
    }
    if (library.unreadable > 0) {
      options.logger.warn({ entries: library.unreadable }, 'library entries of another version')
    }
    return { store, library, journal, keys, notes, capBytes, networkSession, live }
  } catch (error) {
    const store = await opening.catch(() => undefined)
    await Promise.allSettled([store?.close(), networkSession.close(), files])
    throw error
  }
}

interface Parts {
  readonly config: Config
  readonly logger: Logger
  readonly library: Library
  readonly feeds: Feeds
  readonly author: Author
  readonly continuity: Continuity
}

/** A copy may lack what the original published since: each of its newsletters asks a peer first. */
export async function recordMove({ config, library, continuity, logger }: Parts): Promise<void> {
  if (!(await wasMoved(config))) return
  for (const { feedKey, roles } of library.list()) {
    if (!roles.includes('author')) continue
    await continuity.mistrust(feedKey)
    logger.warn({ feed: short(feedKey) }, 'the data directory was copied or put back')
  }
  await settleMove(config)
}

/** Finishes publications that were interrupted; one that cannot be finished now stays in the journal. */
export async function finishInterrupted(
  { library, feeds, author, logger }: Parts,
  { journal, notes }: { readonly journal: Journal; readonly notes: PublishedNotes },
): Promise<void> {
  for (const pending of await journal.pending()) {
    const { feedKey } = pending
    const entry = library.get(feedKey)
    try {
      // Interrupted before `create` had told anybody of the newsletter: there is nothing to finish.
      if (entry === undefined) {
        await journal.drop(feedKey)
        continue
      }
      // Peers are asked first how the log went on.
      if ((await notes.get(feedKey))?.mustCatchUp === true) continue
      await using session = await feeds.open(entry, { online: false })
      await author.recover(session.feed, pending)
    } catch (err) {
      const facts = { feed: short(feedKey), err }
      logger.error(facts, 'an interrupted publication could not be finished')
    }
  }
}
