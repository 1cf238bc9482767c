import { lstat, mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { codeOf, HyperletterError } from '../../errors.ts'

/** Whether a socket path is a named pipe of Windows, which lies in no directory. */
export function isPipe(socketPath: string): boolean {
  return socketPath.startsWith('\\\\')
}

/** Makes the directory of a socket, for this user alone. @throws INVALID_INPUT if somebody else can use it */
export async function makeSocketDirectory(socketPath: string): Promise<void> {
  await mkdir(dirname(socketPath), { recursive: true, mode: 0o700 })
  await assertOwnDirectory(socketPath)
}

/**
 * Refuses a socket in a directory that another user owns or may write to: whoever listens there could
 * pose as the daemon. Where the directory does not exist, nobody listens.
 * @throws INVALID_INPUT
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
  const isOurs = found.isDirectory() && found.uid === uid && (found.mode & 0o002) === 0
  if (isOurs) return
  throw new HyperletterError(
    'INVALID_INPUT',
    `${directory} is open to other users of this machine.`,
    {
      hint: 'Make it your own (chmod 700), or choose another place with --data-dir.',
    },
  )
}
