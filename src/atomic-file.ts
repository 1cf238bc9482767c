import { createHash, randomBytes } from 'node:crypto'
import { lstat, mkdir, open, readFile, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { codeOf, ifMissing, invalidInput } from './errors.ts'
import { onStore, unusableDirectory } from './storage-errors.ts'
import { SerialQueue } from './async.ts'

/**
 * Makes a directory, with those above it. One that exists is left as it is.
 * @param shown what the error names.
 * @param mode for this user alone unless given.
 * @throws INVALID_INPUT, DISK_FULL
 */
export async function makeDirectory(path: string, shown = path, mode = 0o700): Promise<void> {
  try {
    await makeOneByOne(path, mode)
  } catch (error) {
    throw unusableDirectory(shown, error)
  }
}

// The recursive `mkdir` of Node.js never ends below /proc (nodejs/node#31481 and others like it). Others may make the
// same directories at the same moment.
async function makeOneByOne(path: string, mode: number): Promise<void> {
  const parent = dirname(path)
  try {
    await makeUnlessThere(path, mode)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' || parent === path) throw error
    // Where the parent is there, the file system itself refuses.
    if (!(await isDirectory(parent))) await makeOneByOne(parent, mode)
    await makeUnlessThere(path, mode)
  }
}

async function makeUnlessThere(path: string, mode: number): Promise<void> {
  try {
    await mkdir(path, { mode })
  } catch (error) {
    if (!(await isDirectory(path))) throw error
  }
}

async function isDirectory(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() === true
}

/**
 * Refuses a directory that another user owns or may write to: what lies there could be somebody else's. A file in
 * its place is somebody's mistake, but harmless here, and so is nothing.
 * @throws INVALID_INPUT naming the owner or the mode, and the command that mends it
 */
export async function assertOwnFolder(path: string): Promise<void> {
  const uid = process.getuid?.()
  if (uid === undefined) return
  const found = await lstat(path).catch(ifMissing(undefined))
  if (found === undefined || found.isFile()) return
  const refuse = (message: string, hint: string) => invalidInput(`${path} ${message}`, { hint })
  if (!found.isDirectory()) {
    throw refuse('is not a directory.', 'Choose another place with --data-dir.')
  }
  if (found.uid !== uid) {
    throw refuse(
      `belongs to user ${found.uid}, and this process runs as user ${uid}.`,
      `Run the command as that user, or hand the directory over: chown -R ${uid} '${path}'`,
    )
  }
  if ((found.mode & 0o022) !== 0) {
    throw refuse(
      `is open to other users of this machine (mode ${(found.mode & 0o777).toString(8)}).`,
      `Close it: chmod go-w '${path}'. If that changes nothing, the file system keeps no permissions: choose a folder on another one with --data-dir.`,
    )
  }
}

/**
 * Writes a file for this user alone (mode 0600). Once this resolves, it survives a power loss. Leaves
 * nothing half-written. @throws DISK_FULL
 */
export async function replaceSynced(path: string, parts: readonly Uint8Array[]): Promise<void> {
  await replaceWhole(path, parts)
  await onStore(() => syncDirectory(dirname(path)))
}

/** As `replaceSynced`, but a power loss soon after it may bring back the file as it was before. */
export async function replaceWhole(path: string, parts: readonly Uint8Array[]): Promise<void> {
  const temporary = `${path}.tmp`
  await inTurn(path, () =>
    onStore(async () => {
      try {
        await writeSynced(temporary, parts)
        await rename(temporary, path)
      } catch (error) {
        // On a full disk a half-written file would take what room is left.
        await rm(temporary, { force: true })
        throw error
      }
    }),
  )
}

/**
 * As `replaceWhole`, for what `readChecked` reads: a line of JSON with facts and the SHA-256 in hex of all that
 * follows, and then `parts`.
 */
export async function replaceChecked(
  path: string,
  facts: object,
  parts: readonly Uint8Array[],
): Promise<void> {
  const head = Buffer.from(`${JSON.stringify({ ...facts, sha256: sha256Of(parts) })}\n`)
  await replaceWhole(path, [head, ...parts])
}

/** What `replaceChecked` wrote. @throws where the file, or what follows its facts, is not as it was written */
export async function readChecked(
  path: string,
): Promise<{ readonly facts: unknown; readonly body: Buffer }> {
  const bytes = await readFile(path)
  const end = bytes.indexOf('\n') + 1
  const { sha256, ...facts } = JSON.parse(bytes.toString('utf8', 0, end)) as { sha256?: unknown }
  const body = bytes.subarray(end)
  if (sha256 !== sha256Of([body])) throw new Error('The file is damaged.')
  return { facts, body }
}

/** SHA-256 of all that is given, in hex. */
export function sha256Of(parts: readonly Uint8Array[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}

/**
 * Writes a new file for this user alone (mode 0600), and after `parts` what `end` gives, which is asked while these are
 * written. Once this resolves, it survives a power loss; until then any part of it may be there: its reader
 * must be able to tell. @throws DISK_FULL
 */
export async function createSynced(
  path: string,
  parts: readonly Uint8Array[],
  end: () => Uint8Array,
): Promise<void> {
  await onStore(async () => {
    const file = await open(path, 'w', 0o600)
    try {
      // The name is there already, so its folder need not wait for what is in the file.
      const named = syncDirectory(dirname(path))
      const written = writeAll(file, parts)
      const all = Promise.all([named, written])
      all.catch(() => undefined)
      const last = end()
      await written
      await writeAll(file, [last])
      await file.datasync()
      await all
    } finally {
      await file.close()
    }
  })
}

export interface BesideOptions {
  readonly signal?: AbortSignal | undefined
  /** Whether what was written survives a power loss. */
  readonly isSynced: boolean
}

/**
 * Writes a new file into the folder of `path`, which a rename then makes the file of that name. Opens no existing
 * file and follows no symbolic link, leaves nothing when it fails, and does not translate errors.
 * @returns the path of the new file; the caller renames or removes it.
 */
export async function writeBeside(
  path: string,
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  { signal, isSynced }: BesideOptions,
): Promise<string> {
  const temporary = join(dirname(path), `.hyperletter-${randomBytes(6).toString('hex')}.part`)
  try {
    const file = await open(temporary, 'wx')
    try {
      for await (const piece of pieces) {
        signal?.throwIfAborted()
        await file.writeFile(piece)
      }
      if (isSynced) await file.sync()
    } finally {
      await file.close()
    }
    return temporary
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

/** Parts that are handed to the system at once; it takes 1,024 at most. */
const PARTS_AT_ONCE = 512

// In few calls: each one waits for its turn in the pool of threads.
async function writeAll(file: FileHandle, parts: readonly Uint8Array[]): Promise<void> {
  let rest = parts.filter((it) => it.byteLength > 0)
  while (rest.length > 0) {
    let { bytesWritten } = await file.writev(rest.slice(0, PARTS_AT_ONCE))
    if (bytesWritten === 0) throw new Error('Nothing could be written.')
    let whole = 0
    for (; bytesWritten >= (rest[whole]?.byteLength ?? Infinity); whole++) {
      bytesWritten -= rest[whole]?.byteLength ?? 0
    }
    const cut = rest[whole]?.subarray(bytesWritten)
    rest = cut === undefined ? [] : [cut, ...rest.slice(whole + 1)]
  }
}

/** The writes of each file that have not ended. */
const writing = new Map<string, SerialQueue>()

// Two writers of one file would take away each other's temporary one. The later one wins.
async function inTurn(path: string, write: () => Promise<void>): Promise<void> {
  const queue = writing.get(path) ?? new SerialQueue()
  writing.set(path, queue)
  try {
    await queue.run(write)
  } finally {
    if (queue.size === 0) writing.delete(path)
  }
}

async function writeSynced(path: string, parts: readonly Uint8Array[]): Promise<void> {
  const file = await createNew(path)
  try {
    for (const part of parts) await file.writeFile(part)
    await file.datasync()
  } finally {
    await file.close()
  }
}

// What lies there already is left from a crash, or a link of somebody else's that must not be followed.
async function createNew(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'wx', 0o600)
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
    await rm(path, { force: true })
    return open(path, 'wx', 0o600)
  }
}

// A rename is durable once its directory is; Windows cannot sync one and does not need to.
async function syncDirectory(path: string): Promise<void> {
  const dir = await open(path, 'r').catch(() => undefined)
  try {
    await dir?.sync()
  } catch (error) {
    if (!['EPERM', 'EINVAL', 'EISDIR'].includes(codeOf(error) ?? '')) throw error
  } finally {
    await dir?.close()
  }
}
