import { codeOf, hasCode, HyperletterError, invalidInput } from './errors.ts'

/**
 * The storage below Hypercore reports most failures as text, some with a code of the system. They are classified here and
 * nowhere else; tests provoke the real ones (hypercore-storage 3.3, rocksdb-native 3). The first that matches counts.
 */
const BY_TEXT = [
  [
    /file descriptor could not be locked|lock hold by current process/i,
    'STORE_BUSY',
    'Another process is using the data directory.',
  ],
  [
    /^EROFS|read-only file system|in read.?only mode/i,
    'READ_ONLY',
    'The disk is mounted read-only: nothing was written.',
  ],
  [
    /batch was not applied|no space left|^(ENOSPC|EDQUOT)/i,
    'DISK_FULL',
    'The disk is full: nothing was written.',
  ],
  [
    /input\/output error|i\/o error/i,
    'DISK_FAILED',
    'The disk reports that it cannot read or write.',
  ],
  [
    /rocksdb session is closed|(core|corestore) is closed|: (bee )?closed$/i,
    'ABORTED',
    'The store was closed meanwhile.',
  ],
  [/[\\/]db[\\/].*no such file/i, 'STORE_DAMAGED', 'A file of the store is missing.'],
] as const

/** A failure of the store as a HyperletterError where its cause is known; anything else unchanged. */
export function translateStorageError(error: unknown): unknown {
  if (error instanceof HyperletterError || !(error instanceof Error)) return error
  const text = `${codeOf(error) ?? ''}: ${error.message}`
  const known = BY_TEXT.find(([pattern]) => pattern.test(text))
  if (known !== undefined) return new HyperletterError(known[1], known[2], { cause: error })
  switch (codeOf(error)) {
    case 'SESSION_CLOSED':
    case 'REQUEST_CANCELLED':
      return new HyperletterError('ABORTED', 'The newsletter was closed meanwhile.', {
        cause: error,
      })
    case 'DEVICE_FILE':
      return new HyperletterError('FEED_BEHIND', 'The data directory was copied from elsewhere.', {
        hint: 'A copy must not become a second writer: use the original directory, or remove this one.',
        cause: error,
      })
    // By this code rocksdb-native passes on what RocksDB calls a corruption.
    case 'EIO':
      return new HyperletterError('STORE_DAMAGED', `The store is damaged: ${error.message}.`, {
        cause: error,
      })
    default:
      return error
  }
}

/** What to say when a directory that Hyperletter needs cannot be made. */
export function unusableDirectory(path: string, cause: unknown): unknown {
  const known = translateStorageError(cause)
  if (known instanceof HyperletterError) return known
  const why = codeOf(cause) === 'EEXIST' ? 'it is a file' : (codeOf(cause) ?? String(cause))
  return invalidInput(`Cannot use the directory ${path}: ${why}.`, {
    hint: 'Choose another one with --data-dir or HYPERLETTER_HOME, or check who may write there.',
    cause,
  })
}

/** For notes that are made while reading: a disk that takes nothing leaves them undone, and does not keep from reading. */
export function ignoreFullDisk(error: unknown): void {
  if (!hasCode(error, 'DISK_FULL', 'READ_ONLY')) throw error
}

/** Runs work on the store and translates its failure. */
export async function onStore<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw translateStorageError(error)
  }
}
