import { dirname, join } from 'node:path'
import { assertOwnFolder, makeDirectory, replaceWhole } from '../../atomic-file.ts'
import { ADDRESS_FILE, type Config } from '../../config/config.ts'
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
 * pose as the daemon. Where the directory does not exist, nobody listens. @throws INVALID_INPUT
 */
export async function assertOwnDirectory(socketPath: string): Promise<void> {
  if (!isPipe(socketPath)) await assertOwnFolder(dirname(socketPath))
}
