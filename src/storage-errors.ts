import { codeOf, hasCode, HyperletterError } from './errors.ts'

/**
 * The storage below Hypercore reports its three everyday failures as text only. They are told apart
 * here and nowhere else; tests provoke the real ones (hypercore-storage 3.3, rocksdb-native 3).
 */
const BY_TEXT = [
  [
    /file descriptor could not be locked/i,
    'STORE_BUSY',
    'Another process is using the data directory.',
  ],
  [/batch was not applied|no space left/i, 'DISK_FULL', 'The disk is full: nothing was written.'],
  [
    /rocksdb session is closed|(core|corestore) is closed|^(bee )?closed$/i,
    'ABORTED',
    'The store was closed meanwhile.',
  ],
] as const

/** A failure of the store as a HyperletterError where its cause is known; anything else unchanged. */
export function translateStorageError(error: unknown): unknown {
  if (error instanceof HyperletterError || !(error instanceof Error)) return error
  switch (codeOf(error)) {
    case 'ENOSPC':
      return new HyperletterError('DISK_FULL', 'The disk is full: nothing was written.', {
        cause: error,
      })
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
    default:
      return translateText(error)
  }
}

function translateText(error: Error): Error {
  const known = BY_TEXT.find(([text]) => text.test(error.message))
  return known === undefined ? error : new HyperletterError(known[1], known[2], { cause: error })
}

/** What to say when a directory that Hyperletter needs cannot be made. */
export function unusableDirectory(path: string, cause: unknown): unknown {
  if (codeOf(cause) === 'ENOSPC') return translateStorageError(cause)
  const why = codeOf(cause) === 'EEXIST' ? 'it is a file' : (codeOf(cause) ?? String(cause))
  return new HyperletterError('INVALID_INPUT', `Cannot use the directory ${path}: ${why}.`, {
    hint: 'Choose another one with --data-dir or HYPERLETTER_HOME, or check who may write there.',
    cause,
  })
}

/** For notes that are made while reading: a full disk leaves them undone, and does not keep from reading. */
export function ignoreFullDisk(error: unknown): void {
  if (!hasCode(error, 'DISK_FULL')) throw error
}

/** Runs work on the store and translates its failure. */
export async function onStore<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw translateStorageError(error)
  }
}
