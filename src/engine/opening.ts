import { join } from 'node:path'
import { makeDirectory } from '../atomic-file.ts'
import { diskCapOf } from '../config/keep.ts'
import { LiveConfig } from '../config/live.ts'
import type { HyperletterError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import type { Config } from '../config/config.ts'
import { openStore, openStoreReadOnly } from '../log/store/opening.ts'
import type { Store } from '../log/store/store.ts'
import { LIBRARY_COPY, LIBRARY_NAME } from './library/library-copy.ts'
import { Library } from './library/library.ts'
import { NetworkSession } from './network/network-session.ts'
import { PublishedNotes, SigningKeys } from './publish/author-files.ts'
import { Journal } from './publish/journal.ts'

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
