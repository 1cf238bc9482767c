import { HyperletterError } from '../errors.ts'
import { packageVersion } from '../version.ts'

const VERSION = packageVersion()

/**
 * Loads code of this package that was not needed so far. A process that runs for months may have been
 * replaced on disk meanwhile, and parts of two versions must not work together.
 * @param versionNow of what is on disk.
 * @throws PROTOCOL_MISMATCH
 */
export async function loadOwn<T>(
  load: () => Promise<T>,
  versionNow: () => string = packageVersion,
): Promise<T> {
  if (isReplaced(versionNow)) {
    throw new HyperletterError(
      'PROTOCOL_MISMATCH',
      `Another version was installed in place of ${VERSION}, which still runs.`,
    )
  }
  return load()
}

// While it is being replaced there is none at all.
function isReplaced(versionNow: () => string): boolean {
  try {
    return versionNow() !== VERSION
  } catch {
    return true
  }
}
