import { createReadStream, realpathSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import type { Entry, ZipFile } from 'yauzl'
import { codeOf, HyperletterError, invalidInput } from '../errors.ts'
import { isOutside } from './markdown-file.ts'
import { invalidDraft, printable } from './source.ts'

/** The files of an export, in a folder or a zip file. Names are relative, with `/`, in Unicode normal form C. */
export interface Archive {
  /** All names; of a folder, only those that are asked for are known. */
  readonly names: readonly string[]
  /** Size of a file in bytes as far as it is known; undefined if there is none. */
  size(name: string): number | undefined
  /**
   * @param start Bytes to pass over.
   * @throws INVALID_INPUT if it cannot be read, or does not end where it should; INVALID_DRAFT for a bomb
   */
  stream(name: string, start?: number): AsyncIterable<Uint8Array>
  close(): Promise<void>
}

/** Enough for 100,000 posts with their pictures and, in a Substack export, the statistics files of each. */
const MAX_ENTRIES = 1_000_000
/** Text compresses to a tenth, pictures hardly. */
const MAX_RATIO = 200
const MIN_BYTES_OF_BOMB = 1024 * 1024

/** The whole of a file of an archive. @throws TOO_LARGE, INVALID_INPUT */
export async function readFromArchive(
  archive: Archive,
  name: string,
  maxBytes: number,
): Promise<Buffer> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of archive.stream(name)) {
    length += part.byteLength
    if (length > maxBytes) {
      throw new HyperletterError('TOO_LARGE', `${name} has more than ${maxBytes} bytes.`)
    }
    parts.push(part)
  }
  return Buffer.concat(parts)
}

/** The files of a folder; a link that leaves it leads nowhere. */
export function folderArchive(folder: string, names: readonly string[] = []): Archive {
  const pathOf = (name: string): string | undefined => {
    const path = join(folder, name)
    if (name.includes('\0') || isOutside(folder, path)) return undefined
    for (const candidate of new Set([path, path.normalize('NFD')])) {
      try {
        const real = realpathSync(candidate)
        if (!isOutside(realpathSync(folder), real) && statSync(real).isFile()) return real
      } catch {
        // There is none of this name, or none that may be read.
      }
    }
    return undefined
  }
  return {
    names,
    size(name) {
      const path = pathOf(name)
      return path === undefined ? undefined : statSync(path).size
    },
    async *stream(name, start = 0) {
      const path = pathOf(name)
      if (path === undefined) throw missing(name)
      yield* coded(createReadStream(path, { start }))
    },
    async close() {},
  }
}

/**
 * The files of a zip file. Its list of names is read at once and its contents never: one that is a bomb, or that a name
 * would put elsewhere, is refused.
 * @throws INVALID_INPUT if it is no zip file that can be read.
 */
export async function zipArchive(path: string): Promise<Archive> {
  const { openPromise } = await import('yauzl')
  const entries = new Map<string, Entry>()
  let zip: ZipFile | undefined
  try {
    zip = await openPromise(path, { autoClose: false, lazyEntries: true })
    if (zip.entryCount > MAX_ENTRIES) throw new Error(`it has ${zip.entryCount} entries`)
    for await (const entry of zip.eachEntry()) {
      const name = entry.fileName.normalize('NFC')
      const isKept = !/^__MACOSX\/|(?:^|\/)\.|\/$/.test(name)
      if (isKept && isPlain(entry) && !entries.has(name)) entries.set(name, entry)
    }
  } catch (error) {
    zip?.close()
    return notReadable(error)
  }
  return {
    names: [...entries.keys()],
    size(name) {
      return entries.get(name.normalize('NFC'))?.uncompressedSize
    },
    async *stream(name, start = 0) {
      const entry = entries.get(name.normalize('NFC'))
      if (entry === undefined) throw missing(name)
      const { compressedSize, uncompressedSize } = entry
      if (uncompressedSize > MIN_BYTES_OF_BOMB && uncompressedSize > compressedSize * MAX_RATIO) {
        throw invalidDraft(
          `${name} would grow from ${compressedSize} to ${uncompressedSize} bytes.`,
        )
      }
      let passedOver = start
      for await (const part of coded(await zip.openReadStreamPromise(entry).catch(notReadable))) {
        if (passedOver < part.byteLength) yield part.subarray(passedOver)
        passedOver = Math.max(0, passedOver - part.byteLength)
      }
    },
    async close() {
      zip.close()
    },
  }
}

/** A file, and no symbolic link (the upper half of what Unix calls its mode). */
function isPlain({ externalFileAttributes, versionMadeBy }: Entry): boolean {
  const isUnix = versionMadeBy >> 8 === 3
  const type = (externalFileAttributes >>> 16) & 0o170_000
  return !isUnix || type === 0 || type === 0o100_000
}

function missing(name: string): HyperletterError {
  return invalidDraft(`There is no ${name} in the export.`)
}

async function* coded(stream: Readable): AsyncGenerator<Uint8Array> {
  try {
    for await (const part of stream) yield part as Uint8Array
  } catch (error) {
    notReadable(error)
  }
}

function notReadable(error: unknown): never {
  const code = codeOf(error)
  const words = printable((error as Error).message, 200)
  const message =
    code === 'ENOENT' ? 'There is no such file.' : `The export cannot be read: ${words}.`
  throw invalidInput(message, {
    hint: 'Check the path, or download the export again.',
    cause: error,
  })
}
