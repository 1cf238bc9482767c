import type { Input } from '../contract/contract.ts'
import { PROTOCOL_VERSION } from '../kinds.ts'
import { readFile, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { assertOwnFolder, makeDirectory, replaceWhole } from '../../atomic-file.ts'
import { ADDRESS_FILE, type Config } from '../../config/config.ts'
import { packageVersion } from '../../version.ts'

/**
 * What both ends of the socket agree on: HTTP/1.1 over a Unix socket or named pipe.
 *
 * `GET /daemon` → `DaemonInfo`. `POST /daemon/stop` → the daemon ends. `POST /daemon/reload`
 * → it reads its configuration again, and answers with `Reloaded`. `POST /daemon/reader` with
 * `ReaderRequest` → the daemon serves the web reader, `{"url": …}` lets one browser in.
 * `POST /operations/<name>` with a JSON input: a `value` comes back as JSON, `events` as one JSON
 * object a line, `bytes` as the raw body. A failure before the first byte has an HTTP status and the
 * body `{"error": {code, message}}`; a later one has the same JSON, URI-encoded, in a trailer.
 * A request for an operation carries the protocol version; the daemon refuses another one with
 * `PROTOCOL_MISMATCH`. Asking who it is, to end and to reload works with every version.
 */
export const VERSION_HEADER = 'hyperletter-protocol'

export const DAEMON_PATH = '/daemon'
export const STOP_PATH = '/daemon/stop'
export const RELOAD_PATH = '/daemon/reload'
export const READER_PATH = '/daemon/reader'
export const OPERATIONS_PATH = '/operations/'

/** Trailer that carries an error which happened after the first byte of an `events` or `bytes` result. */
export const ERROR_TRAILER = 'hyperletter-error'

/** Largest JSON input: a 2 MiB draft in the worst JSON escaping, and some room. */
export const MAX_INPUT_BYTES = 16 * 1024 * 1024

/** Longest line of an `events` result. */
export const MAX_LINE_BYTES = 16 * 1024 * 1024

/** Stays readable for every other version: fields may be added, none changes. */
export interface DaemonInfo {
  readonly protocol: number
  readonly version: string
  readonly pid: number
  readonly uptimeSeconds: number
  /** No daemon, but a command that lends what it has opened until it ends. */
  readonly temporary?: true
}

/** What this process says of itself. @param startedAt in milliseconds since 1970. */
export function infoSince(startedAt: number): DaemonInfo {
  return {
    protocol: PROTOCOL_VERSION,
    version: packageVersion(),
    pid: process.pid,
    uptimeSeconds: Math.round((Date.now() - startedAt) / 1_000),
  }
}

export interface ReaderRequest {
  /** Serve it here and nowhere else. */
  readonly port?: number | undefined
  /** Page to begin with. */
  readonly path?: string | undefined
  /** The token of a device: an address for that, on another machine. */
  readonly device?: string | undefined
  readonly preview?: Pick<Input<'previewDraft'>, 'draft' | 'newsletter'> | undefined
}

/** Whether whoever answers at a socket says of itself what a daemon says. */
export function isDaemonInfo(json: unknown): json is DaemonInfo {
  const { protocol, version, pid, uptimeSeconds } = (json ?? {}) as Partial<DaemonInfo>
  return (
    Number.isSafeInteger(protocol) &&
    typeof version === 'string' &&
    Number.isSafeInteger(pid) &&
    Number(pid) > 0 &&
    typeof uptimeSeconds === 'number'
  )
}

export { PROTOCOL_VERSION }

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
interface ListenerRecord {
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
  const record: ListenerRecord = { socket: socketPath, pid: process.pid, version: packageVersion() }
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
