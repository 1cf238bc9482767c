import { lstat, mkdir, readFile, rename, rm, rmdir } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { writeBeside } from '../atomic-file.ts'
import { codeOf, HyperletterError, ifMissing, invalidInput } from '../errors.ts'
import { safeFileName } from '../render/file-name.ts'

/** One file to write: its path as segments below a folder, and its bytes. */
interface FileToWrite {
  readonly segments: readonly string[]
  readonly bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>
}

/**
 * The name of an attachment as the segments of a path that every system takes and that harms none:
 * no control or special characters, no device, nothing hidden, nothing that leads upwards.
 * @param name As in the record: segments separated by `/`.
 */
export function safeSegments(name: string): string[] {
  return name
    .split(/[/\\]/)
    .filter((segment) => segment !== '')
    .map(safeFileName)
}

/**
 * Makes paths differ that a file system might take for the same one, or for a folder of another, by a number before
 * the extension; most systems ignore case, and some the way a letter is composed.
 */
export function makeDistinct(paths: readonly (readonly string[])[]): string[][] {
  const fold = (path: readonly string[]) => path.join('/').normalize('NFKC').toLowerCase()
  const folders = paths.flatMap((it) => it.slice(1).map((_, i) => fold(it.slice(0, i + 1))))
  const taken = new Set<string>(folders)
  return paths.map((segments) => {
    for (let i = 1; ; i++) {
      const path = i === 1 ? [...segments] : numbered(segments, i)
      const folded = fold(path)
      if (taken.has(folded)) continue
      taken.add(folded)
      return path
    }
  })
}

/**
 * Writes files below `folder`: all of them, or, where something is in the way, none. Goes through no
 * symbolic link below `folder`, and leaves an equal file as it is.
 * @param options.force Replace files with other contents.
 * @returns The absolute paths.
 * @throws INVALID_INPUT naming what is in the way; DISK_FULL.
 */
export async function writeFiles(
  folder: string,
  files: readonly FileToWrite[],
  { force = false, signal }: { force?: boolean; signal: AbortSignal },
): Promise<string[]> {
  const written: { temporary: string; path: string }[] = []
  const made: string[] = []
  let isDone = false
  try {
    made.push(...(await makeFolder(resolve(folder))))
    for (const { segments, bytes } of files) {
      const path = join(folder, ...segments)
      await makeFolders(folder, segments.slice(0, -1), made)
      await refuseObstacle(path)
      const temporary = await writeBeside(path, bytes, { signal, isSynced: false })
      written.push({ temporary, path })
      if (!force) await refuseDifferent(temporary, path)
    }
    for (const { path } of written) await refuseObstacle(path)
    for (const { temporary, path } of written) await rename(temporary, path)
    isDone = true
    return written.map(({ path }) => path)
  } catch (error) {
    const hint = 'Choose a folder that you may write to, with --to.'
    throw unwritable(error, 'save the files', hint)
  } finally {
    await Promise.all(written.map(({ temporary }) => rm(temporary, { force: true })))
    // Only empty ones can be removed.
    if (!isDone) for (const it of made.toReversed()) await rmdir(it).catch(() => undefined)
  }
}

function numbered(segments: readonly string[], i: number): string[] {
  const name = segments.at(-1) ?? ''
  const dot = name.lastIndexOf('.')
  const at = dot > 0 ? dot : name.length
  return [...segments.slice(0, -1), `${name.slice(0, at)}-${i}${name.slice(at)}`]
}

// Gives the folders that were made, the outermost first.
async function makeFolder(path: string): Promise<string[]> {
  const first = await mkdir(path, { recursive: true })
  if (first === undefined) return []
  const made = [path]
  for (let at = path; at !== first && at !== dirname(at);) made.unshift((at = dirname(at)))
  return made
}

async function makeFolders(
  folder: string,
  segments: readonly string[],
  made: string[],
): Promise<void> {
  let path = folder
  for (const segment of segments) {
    path = join(path, segment)
    const existing = await lstatIfAny(path)
    if (existing === undefined) {
      await mkdir(path)
      made.push(path)
    } else if (!existing.isDirectory()) throw inTheWay(path)
  }
}

async function refuseObstacle(path: string): Promise<void> {
  const existing = await lstatIfAny(path)
  if (existing !== undefined && !existing.isFile()) throw inTheWay(path)
}

async function refuseDifferent(temporary: string, path: string): Promise<void> {
  const existing = await lstatIfAny(path)
  if (existing === undefined) return
  const isEqual =
    existing.size === (await lstat(temporary)).size &&
    (await readFile(temporary)).equals(await readFile(path))
  if (isEqual) return
  throw invalidInput(`${path} exists and is different.`, {
    hint: 'Choose another folder with --to, or replace it with --force.',
  })
}

function lstatIfAny(path: string) {
  return lstat(path).catch(ifMissing(undefined))
}

function inTheWay(path: string): HyperletterError {
  const message = `${path} is in the way: it is not a regular file or folder.`
  return invalidInput(message, { hint: 'Choose another folder with --to.' })
}

/** What to say of a failure to write where the user wants it; other errors unchanged. */
export function unwritable(cause: unknown, what: string, hint: string): unknown {
  switch (codeOf(cause)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new HyperletterError('DISK_FULL', `No space is left to ${what}.`, { cause })
    case 'EACCES':
    case 'EEXIST':
    case 'ENOENT':
    case 'ENOTDIR':
    case 'EPERM':
    case 'EROFS': {
      return invalidInput(`Cannot write there: ${(cause as Error).message}.`, { hint, cause })
    }
    default:
      return cause
  }
}
