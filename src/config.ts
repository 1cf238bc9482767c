import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import envPaths from 'env-paths'
import type { Settings } from './config-file.ts'
import { HyperletterError } from './errors.ts'

export type { Settings } from './config-file.ts'

/** One address of a bootstrap node, as Hyperswarm wants it. */
export interface Address {
  readonly host: string
  readonly port: number
}

export const LOG_LEVELS = ['silent', 'error', 'warn', 'info', 'debug'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** Everything that can be set, resolved once at the start and frozen. All paths are absolute. */
export interface Config {
  /** The one directory that belongs to one engine at a time. */
  readonly dataDir: string
  /** The Corestore, below `dataDir`. */
  readonly storeDir: string
  /** Entries on their way to disk, below `dataDir`. */
  readonly journalDir: string
  /** Signing keys, below `dataDir`. */
  readonly keysDir: string
  /** How far each own newsletter was published, apart from the store; below `dataDir`. */
  readonly publishedDir: string
  /** Where a daemon that was started in the background writes. */
  readonly logFile: string
  /** Address of the daemon of this data directory: a Unix socket, or a named pipe on Windows. */
  readonly socketPath: string
  /** Bootstrap nodes of the DHT; the public ones when absent. */
  readonly bootstrap: readonly Address[] | undefined
  /** Address to bind; all interfaces when absent. */
  readonly host: string | undefined
  readonly logLevel: LogLevel
}

/** Longest path that a Unix socket address holds on every platform, in bytes; longer ones are cut silently. */
const MAX_SOCKET_PATH_BYTES = 100

/**
 * Flags over environment over `config.toml` over defaults.
 * @throws INVALID_INPUT naming the setting that is wrong.
 */
export async function loadConfig(flags: Settings, env = process.env): Promise<Config> {
  const paths = envPaths('hyperletter', { suffix: '' })
  const file = await settingsIn(join(paths.config, 'config.toml'))
  const pick = (
    flag: string | undefined,
    variable: string | undefined,
    setting: string | undefined,
  ) => flag ?? (variable === '' ? undefined : variable) ?? setting

  const dataDir = resolve(pick(flags.dataDir, env['HYPERLETTER_HOME'], file.dataDir) ?? paths.data)
  const bootstrap = parseBootstrap(
    pick(flags.bootstrap, env['HYPERLETTER_BOOTSTRAP'], file.bootstrap),
  )
  const host = pick(flags.host, env['HYPERLETTER_HOST'], file.host)
  return Object.freeze({
    dataDir,
    storeDir: join(dataDir, 'store'),
    journalDir: join(dataDir, 'journal'),
    keysDir: join(dataDir, 'keys'),
    publishedDir: join(dataDir, 'published'),
    logFile: join(dataDir, 'daemon.log'),
    socketPath: socketPath(dataDir, env['XDG_RUNTIME_DIR'] || undefined),
    bootstrap,
    host: bootstrap?.every((it) => isLoopback(it.host)) ? '127.0.0.1' : host,
    logLevel: parseLogLevel(pick(flags.logLevel, env['HYPERLETTER_LOG_LEVEL'], file.logLevel)),
  })
}

/**
 * The daemon's address for a data directory: a file in it, or, where that path would be too long, a
 * hashed name in a private directory for sockets.
 */
export function socketPath(
  dataDir: string,
  runtimeDir = tmpdir(),
  platform = process.platform,
): string {
  const hash = createHash('sha256').update(dataDir).digest('hex').slice(0, 20)
  if (platform === 'win32') return `\\\\.\\pipe\\hyperletter-${hash}`
  const inside = join(dataDir, 'daemon.sock')
  if (Buffer.byteLength(inside) <= MAX_SOCKET_PATH_BYTES) return inside
  const owner = process.getuid?.() ?? 0
  const below = (dir: string) => join(dir, `hyperletter-${owner}`, `${hash}.sock`)
  const path = below(runtimeDir)
  return Buffer.byteLength(path) <= MAX_SOCKET_PATH_BYTES ? path : below('/tmp')
}

/** @param text `host:port`, several separated by commas. @throws INVALID_INPUT */
export function parseBootstrap(text: string | undefined): readonly Address[] | undefined {
  if (text === undefined) return undefined
  return text.split(',').map((part) => {
    const match = /^(?<host>[^\s:]+):(?<port>\d{1,5})$/.exec(part.trim())
    const { host, port } = match?.groups ?? {}
    if (host === undefined || !isPort(Number(port))) {
      throw new HyperletterError('INVALID_INPUT', `Not a bootstrap address: "${part.trim()}".`, {
        hint: 'Write host:port, for example 127.0.0.1:49737; separate several with commas.',
      })
    }
    return { host, port: Number(port) }
  })
}

function isPort(port: number): boolean {
  return port > 0 && port < 65_536
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host.startsWith('127.')
}

function parseLogLevel(text: string | undefined): LogLevel {
  const level = LOG_LEVELS.find((it) => it === (text ?? 'warn'))
  if (level !== undefined) return level
  throw new HyperletterError('INVALID_INPUT', `Not a log level: "${text}".`, {
    hint: `Use one of ${LOG_LEVELS.join(', ')}.`,
  })
}

// Most people have no such file; they do not wait for what reads it.
async function settingsIn(path: string): Promise<Settings> {
  if (!existsSync(path)) return {}
  const { readSettingsFile } = await import('./config-file.ts')
  return readSettingsFile(path)
}
