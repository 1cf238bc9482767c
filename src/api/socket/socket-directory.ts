import { readFile, rm } from 'node:fs/promises'
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

/** What a process that listens writes into its data directory. */
export interface ListenerRecord {
  readonly socket: string
  readonly pid: number
  readonly version: string
}

/** Writes down who listens where; best effort. @returns what takes it away when nobody listens any more */
export async function recordAddress({
  dataDir,
  socketPath,
}: Pick<Config, 'dataDir' | 'socketPath'>): Promise<() => Promise<void>> {
  const path = join(dataDir, ADDRESS_FILE)
  const record: ListenerRecord = {
    socket: socketPath,
    pid: process.pid,
    version: packageVersion(),
  }
  const bytes = new TextEncoder().encode(`${JSON.stringify(record)}\n`)
  // Without it, commands in the same environment still find the daemon.
  await replaceWhole(path, [bytes]).catch(() => undefined)
  return () => rm(path, { force: true }).catch(() => undefined)
}

/** The daemon of a data directory; one that was killed leaves its record behind. */
export async function readRecord(dataDir: string): Promise<ListenerRecord | undefined> {
  try {
    const record = JSON.parse(await readFile(join(dataDir, ADDRESS_FILE), 'utf8')) as ListenerRecord
    return Number.isSafeInteger(record.pid) && record.pid > 0 ? record : undefined
  } catch {
    return undefined
  }
}

/**
 * Refuses a socket in a directory that another user owns or may write to: whoever listens there could
 * pose as the daemon. Where the directory does not exist, nobody listens. @throws INVALID_INPUT
 */
export async function assertOwnDirectory(socketPath: string): Promise<void> {
  if (!isPipe(socketPath)) await assertOwnFolder(dirname(socketPath))
}
