import { readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { makeDirectory, writeBeside } from '../../atomic-file.ts'
import { codeOf, HyperletterError } from '../../errors.ts'
import type { LogFile } from '../../format/log-files/write.ts'
import { translateStorageError } from '../../storage-errors.ts'

/** What was written. */
interface LogChanges {
  readonly files: number
  readonly changed: number
  readonly changedBytes: number
}

/** Everybody may read: a web server runs as another user. */
const FOLDER_MODE = 0o755

/** A folder that a web server serves, and that is written again and again: files that are right are left as they are. */
export class LogFolder {
  readonly #path: string

  /** @param path absolute; it need not exist. */
  constructor(path: string) {
    this.#path = path
  }

  /** A file, if it is there and no larger than this. */
  async read(path: string, maxBytes: number): Promise<Uint8Array | undefined> {
    const full = join(this.#path, path)
    const size = await sizeOf(full)
    if (size === undefined || size > maxBytes) return undefined
    return readFile(full)
  }

  /** Paths of the files in a folder in it; none if there is no such folder. */
  async list(under: string): Promise<string[]> {
    const path = join(this.#path, under)
    const found = await readdir(path, { withFileTypes: true }).catch(() => [])
    return found.filter((it) => it.isFile()).map(({ name }) => `${under}/${name}`)
  }

  /**
   * Writes files in their order, each one whole or not at all. One that is there already is not touched.
   * @yields what was written so far, after each file.
   * @throws INVALID_INPUT if it cannot be written there; DISK_FULL; the reason of the signal.
   */
  async *write(
    files: readonly LogFile[],
    signal: AbortSignal | undefined,
  ): AsyncGenerator<LogChanges, LogChanges> {
    let changes = { files: 0, changed: 0, changedBytes: 0 }
    for (const file of files) {
      signal?.throwIfAborted()
      const written = await this.#write(file)
      changes = {
        files: changes.files + 1,
        changed: changes.changed + (written === undefined ? 0 : 1),
        changedBytes: changes.changedBytes + (written ?? 0),
      }
      yield changes
    }
    return changes
  }

  async remove(path: string): Promise<void> {
    await rm(join(this.#path, path), { force: true })
  }

  /** @returns bytes that were written; undefined if it was there. */
  async #write({ path, isImmutable, sizeBytes, bytes }: LogFile): Promise<number | undefined> {
    const full = join(this.#path, path)
    const size = await sizeOf(full)
    if (isImmutable && size !== undefined && size === (sizeBytes ?? size)) return undefined
    const pieces = async function* () {
      yield await bytes()
    }
    // A file that is known by its name alone must survive a power loss whole.
    return replaceIfOther(full, pieces(), { isSynced: isImmutable })
  }
}

/** Bytes of a file; undefined if there is none. */
export async function sizeOf(path: string): Promise<number | undefined> {
  const found = await stat(path).catch(() => undefined)
  return found?.isFile() === true ? found.size : undefined
}

/**
 * Writes a file beside its place and renames it into it, unless the same is there already.
 * @returns bytes that were written; undefined if it was the same.
 * @throws INVALID_INPUT if it cannot be written there; DISK_FULL; the reason of the signal.
 */
export async function replaceIfOther(
  place: string,
  pieces: AsyncIterable<Uint8Array>,
  options: { readonly isSynced: boolean; readonly signal?: AbortSignal | undefined },
): Promise<number | undefined> {
  let temporary: string | undefined
  try {
    await makeDirectory(dirname(place), dirname(place), FOLDER_MODE)
    temporary = await writeBeside(place, pieces, options)
    const { size } = await stat(temporary)
    const isSame =
      size === (await sizeOf(place)) && (await readFile(temporary)).equals(await readFile(place))
    if (isSame) return undefined
    await rename(temporary, place)
    temporary = undefined
    return size
  } catch (error) {
    // What could not be read to be written keeps its own complaint.
    throw codeOf(error) === undefined ? error : notWritten(error, place)
  } finally {
    if (temporary !== undefined) await rm(temporary, { force: true })
  }
}

/** The complaint about a file that could not be written. */
function notWritten(cause: unknown, path: string): unknown {
  const known = translateStorageError(cause)
  if (known instanceof HyperletterError) return known
  const why = codeOf(cause) ?? String(cause)
  return new HyperletterError('INVALID_INPUT', `Cannot write ${path}: ${why}.`, {
    hint: 'Choose a folder that you may write to.',
    cause,
  })
}
