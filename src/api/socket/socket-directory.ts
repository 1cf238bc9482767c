import { lstat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { makeDirectory, replaceWhole } from '../../atomic-file.ts'
import { ADDRESS_FILE, type Config } from '../../config/config.ts'
import { codeOf, HyperletterError } from '../../errors.ts'
import { packageVersion } from '../../version.ts'

/** Whether a socket path is a named pipe of Windows, which lies in no directory. */
export function isPipe(socketPath: string): boolean {
  return socketPath.startsWith('\\\\')
}

/** Makes the directory of a socket, for this user alone. @throws INVALID_INPUT if somebody else can use it */
export async function makeSocketDirectory(socketPath: string): Promise<void> {
  await makeDirectory(dirname(socketPath))
  await assertOwnDirectory(socketPath)
}

/** Writes down where a daemon listens, if that is outside of its data directory; best effort. */
export async function recordAddress({ dataDir, socketPath }: Config): Promise<void> {
  if (isPipe(socketPath) || dirname(socketPath) === dataDir) return
  const record = { socket: socketPath, pid: process.pid, version: packageVersion() }
  const bytes = new TextEncoder().encode(`${JSON.stringify(record)}\n`)
  // Without it, commands in the same environment still find the daemon.
  await replaceWhole(join(dataDir, ADDRESS_FILE), [bytes]).catch(() => undefined)
}

/**
 * Refuses a socket in a directory that another user owns or may write to: whoever listens there could
 * pose as the daemon. Where the directory does not exist, nobody listens.
 * @throws INVALID_INPUT naming the owner or the mode, and the command that mends it
 */
export async function assertOwnDirectory(socketPath: string): Promise<void> {
  const uid = process.getuid?.()
  if (isPipe(socketPath) || uid === undefined) return
  const directory = dirname(socketPath)
  const found = await lstat(directory).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined
    throw error
  })
  // A file in its place is somebody's mistake, but nobody can listen below it.
  if (found === undefined || found.isFile()) return
  const refuse = (message: string, hint: string) =>
    new HyperletterError('INVALID_INPUT', `${directory} ${message}`, { hint })
  if (!found.isDirectory()) {
    throw refuse('is not a directory.', 'Choose another place with --data-dir.')
  }
  if (found.uid !== uid) {
    throw refuse(
      `belongs to user ${found.uid}, and this process runs as user ${uid}.`,
      `Run the command as that user, or hand the directory over: chown -R ${uid} '${directory}'`,
    )
  }
  if ((found.mode & 0o022) !== 0) {
    throw refuse(
      `is open to other users of this machine (mode ${(found.mode & 0o777).toString(8)}).`,
      `Close it: chmod go-w '${directory}'. If that changes nothing, the file system keeps no permissions: choose a folder on another one with --data-dir.`,
    )
  }
}
