import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'
import { defined } from '../defined.ts'
import { attempt, HyperletterError, invalidInput } from '../errors.ts'
import type { SettingsFile } from './settings-file.ts'
import {
  SETTING_NAMES,
  SETTINGS,
  type SettingName,
  type Settings,
  type SettingValues,
} from './settings.ts'
import type { Address } from './values.ts'

export type { Settings } from './settings.ts'
export type { Address, LogLevel, MirrorUse } from './values.ts'

/** The web feeds that are republished, below the data folder. */
export const REPUBLISHED_FILE = 'republished.json'

/** The folder of drafts that wait for their time, below the data folder. */
export const SCHEDULED_FOLDER = 'scheduled'

/** What counts for settings that nobody gave. */
const DEFAULTS = {
  logLevel: 'warn',
  pause: false,
  localDiscovery: true,
  relayOffer: false,
  hideAddress: false,
  mirrors: 'on',
  notify: false,
  /** Enough to see what it is like; an archive is there to be looked into, not to be worked off. */
  unread: 3,
  mailDigest: 'off',
  plain: false,
} as const satisfies Partial<SettingValues>

type Defaulted = {
  readonly [Name in keyof typeof DEFAULTS]: NonNullable<SettingValues[Name]>
}

/** What is set, with defaults, resolved once at the start and frozen. All paths are absolute. */
export interface Config extends Omit<SettingValues, keyof Defaulted>, Defaulted {
  /** The one directory that belongs to one engine at a time. */
  readonly dataDir: string
  /** The Corestore, below `dataDir`. */
  readonly storeDir: string
  /** Entries on their way to disk, below `dataDir`. */
  readonly journalDir: string
  /** Signing keys, below `dataDir`. */
  readonly keysDir: string
  /** Letters on their way, and those of this user; below `dataDir`. */
  readonly lettersDir: string
  /** How far each own newsletter was published, apart from the store; below `dataDir`. */
  readonly publishedDir: string
  /** Where a daemon that was started in the background writes. */
  readonly logFile: string
  /** Address of the daemon of this data directory: a Unix socket, or a named pipe on Windows. */
  readonly socketPath: string
}

export interface Given {
  readonly text: string
  readonly from: 'flag' | 'variable' | 'file'
  /** The flag, the variable, or the path of the file with the line. */
  readonly where: string
}

export type GivenSettings = { readonly [Name in SettingName]?: Given | undefined }

const NOTHING_SET = Object.fromEntries(SETTING_NAMES.map((name) => [name, undefined])) as {
  readonly [Name in SettingName]: undefined
}

/** Longest path that a Unix socket address holds on every platform, in bytes; longer ones are cut silently. */
const MAX_SOCKET_PATH_BYTES = 100

/** Where the settings file of this user lies; absolute, and there may be none. */
export function settingsPath(): string {
  return join(directories().config, 'config.toml')
}

/**
 * Flags over environment over `config.toml` over defaults.
 * @throws INVALID_INPUT naming the setting that is wrong.
 */
export async function loadConfig(flags: Settings, env = process.env): Promise<Config> {
  const given = valuesOf(await givenSettings(flags, env))
  const dataDir = given.dataDir ?? directories().data
  return configOf({ ...given, dataDir }, env['XDG_RUNTIME_DIR'] || undefined)
}

/**
 * The configuration of values that somebody set, and defaults.
 * @param runtimeDir where addresses of sockets lie that are too long for the data directory.
 */
export function configOf(
  values: Partial<SettingValues> & { readonly dataDir: string },
  runtimeDir?: string,
): Config {
  const given = { ...NOTHING_SET, ...DEFAULTS, ...defined(values) }
  const dataDir = resolve(given.dataDir)
  const isLocal = isOwnMachine(given.bootstrap)
  return Object.freeze({
    ...given,
    dataDir,
    storeDir: join(dataDir, 'store'),
    journalDir: join(dataDir, 'journal'),
    keysDir: join(dataDir, 'keys'),
    lettersDir: join(dataDir, 'letters'),
    publishedDir: join(dataDir, 'published'),
    logFile: join(dataDir, 'daemon.log'),
    socketPath: socketPath(dataDir, runtimeDir),
    host: isLocal ? '127.0.0.1' : given.host,
    // A device that binds loopback alone must not appear on the local network, nor one that hides.
    localDiscovery: !isLocal && !given.hideAddress && given.localDiscovery,
  })
}

/** Whether a network is one of this machine alone: all its bootstrap nodes have loopback addresses. */
export function isOwnMachine(bootstrap: readonly Address[] | undefined): boolean {
  const isLoopback = ({ host }: Address) => host === 'localhost' || host.startsWith('127.')
  return bootstrap?.every(isLoopback) === true
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
  // Directories for sockets depend on the environment, which cron, sudo and ssh change.
  const recorded = recordedSocket(dataDir)
  if (recorded !== undefined) return recorded
  const owner = process.getuid?.() ?? 0
  const below = (dir: string) => join(dir, `hyperletter-${owner}`, `${hash}.sock`)
  const path = below(runtimeDir)
  return Buffer.byteLength(path) <= MAX_SOCKET_PATH_BYTES ? path : below('/tmp')
}

/** The file that names the socket and the process of a daemon: the data directory itself may be too long for a socket path. */
export const ADDRESS_FILE = 'daemon.json'

// Nothing is taken from a record whose socket is gone; who owns its directory is checked before a connection.
function recordedSocket(dataDir: string): string | undefined {
  const { socket } =
    attempt(
      () => JSON.parse(readFileSync(join(dataDir, ADDRESS_FILE), 'utf8')) as { socket?: unknown },
    ) ?? {}
  return typeof socket === 'string' && isAbsolute(socket) && existsSync(socket) ? socket : undefined
}

/** What was set, as text, and where: by flags over variables over the file. @throws INVALID_INPUT for the file */
export async function givenSettings(flags: Settings, env = process.env): Promise<GivenSettings> {
  const { settings: inFile, places } = await settingsInFile()
  const given: Partial<Record<SettingName, Given>> = {}
  for (const name of SETTING_NAMES) {
    const { flag, variable } = SETTINGS[name]
    const [byFlag, byVariable] = [flags[name], env[variable] || undefined]
    if (byFlag !== undefined) {
      given[name] = { text: byFlag, from: 'flag', where: flag.split(' ', 1)[0] ?? flag }
    } else if (byVariable !== undefined) {
      given[name] = { text: byVariable, from: 'variable', where: variable }
    } else if (inFile[name] !== undefined) {
      given[name] = { text: inFile[name], from: 'file', where: places[name] ?? settingsPath() }
    }
  }
  return given
}

function valuesOf(given: GivenSettings): SettingValues {
  const values = SETTING_NAMES.map((name) => [name, valueOf(name, given[name])])
  return Object.fromEntries(values) as SettingValues
}

function valueOf(name: SettingName, given: Given | undefined): unknown {
  if (given === undefined) return undefined
  try {
    return SETTINGS[name].parse(given.text)
  } catch (cause) {
    const { code, message, hint } = HyperletterError.from(cause)
    const options = { hint, cause }
    throw new HyperletterError(code, `The setting ${name} (${given.where}): ${message}`, options)
  }
}

/**
 * The folders of this user by the custom of the platform; on Linux the XDG Base Directory Specification 0.8.
 * @throws INVALID_INPUT where the user has no home
 */
function directories(env = process.env): { readonly data: string; readonly config: string } {
  const below = (variable: string, ...path: string[]) => env[variable] || join(home(), ...path)
  if (process.platform === 'darwin') {
    const library = join(home(), 'Library')
    return {
      data: join(library, 'Application Support', 'hyperletter'),
      config: join(library, 'Preferences', 'hyperletter'),
    }
  }
  if (process.platform === 'win32') {
    return {
      data: join(below('LOCALAPPDATA', 'AppData', 'Local'), 'hyperletter', 'Data'),
      config: join(below('APPDATA', 'AppData', 'Roaming'), 'hyperletter', 'Config'),
    }
  }
  return {
    data: join(below('XDG_DATA_HOME', '.local', 'share'), 'hyperletter'),
    config: join(below('XDG_CONFIG_HOME', '.config'), 'hyperletter'),
  }
}

function home(): string {
  try {
    return homedir()
  } catch (cause) {
    throw invalidInput('This user has no home directory.', {
      hint: 'Set HOME, or give --data-dir.',
      cause,
    })
  }
}

// Most people have no such file; they do not wait for what reads it.
async function settingsInFile(): Promise<SettingsFile> {
  // A user without a home has no such file.
  const path = attempt(settingsPath)
  if (path === undefined || !existsSync(path)) return { settings: {}, places: {} }
  const { readSettingsFile } = await import('./settings-file.ts')
  return readSettingsFile(path)
}
