import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { homedir, userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { Config, GivenSettings } from '../../config/config.ts'
import {
  handOn,
  SETTING_NAMES,
  SETTINGS,
  type SettingName,
  type Settings,
} from '../../config/settings.ts'
import { codeOf, HyperletterError } from '../../errors.ts'
import {
  daemonCommand,
  daemonEnvironment,
  LABEL,
  launchdAgent,
  systemdUnit,
  UNIT,
} from './definitions.ts'

const execute = promisify(execFile)

/** How long a service manager may take; a start waits until the service is ready. */
const MANAGER_TIMEOUT_MS = 60_000

/** Where the system says that systemd runs it, see sd_booted(3). */
const SYSTEMD_RUNS = '/run/systemd/system'

/** What `daemon install` does on this machine. */
export interface Service {
  /** `none` where we know of no service manager. */
  readonly manager: 'systemd' | 'launchd' | 'none'
  /** What says how the daemon is run; undefined where there is no service manager. */
  readonly file: string | undefined
  readonly text: string
  /** Secrets that were given but are not written into the file, where others may read them. */
  readonly leftOut: readonly SettingName[]
  readonly install: readonly (readonly string[])[]
  readonly uninstall: readonly (readonly string[])[]
}

export interface ServiceOptions {
  /** What is set now by flags, variables and the file. */
  readonly given: GivenSettings
  readonly env: NodeJS.ProcessEnv
  readonly platform?: NodeJS.Platform
  readonly hasSystemd?: boolean
}

/**
 * The daemon of a configuration as a service of this user, that starts by itself. Flags and variables
 * that are given now are written into it; the file is read at each start.
 * @throws INVALID_INPUT
 */
export function serviceOf(config: Config, options: ServiceOptions): Service {
  const { given, env, platform = process.platform } = options
  const { hasSystemd = existsSync(SYSTEMD_RUNS) } = options
  const names = SETTING_NAMES.filter((name) => {
    const from = given[name]?.from
    return from === 'flag' || from === 'variable'
  })
  const leftOut = names.filter((name) => SETTINGS[name].isSecret === true)
  const texts = names
    .filter((name) => !leftOut.includes(name))
    .map((name) => [name, given[name]?.text])
  // Always the folder: a service may see other variables that choose it.
  const set = Object.fromEntries(texts) as Settings
  const { flags } = handOn({ ...set, dataDir: config.dataDir })
  const run = daemonCommand('run', flags)
  const variables = { ...daemonEnvironment(platform), ...variablesOf(env) }
  if (platform === 'linux' && hasSystemd) {
    const reload = daemonCommand('reload', [`--data-dir=${config.dataDir}`])
    return {
      manager: 'systemd',
      file: join(env['XDG_CONFIG_HOME'] || join(homedir(), '.config'), 'systemd', 'user', UNIT),
      text: systemdUnit({ run, reload, variables }),
      leftOut,
      install: [systemctl('daemon-reload'), systemctl('enable', UNIT), systemctl('restart', UNIT)],
      uninstall: [systemctl('disable', '--now', UNIT), systemctl('daemon-reload')],
    }
  }
  if (platform === 'darwin') {
    const file = join(homedir(), 'Library', 'LaunchAgents', `${LABEL}.plist`)
    const domain = `gui/${userInfo().uid}`
    return {
      manager: 'launchd',
      file,
      text: launchdAgent({ run, variables, logFile: config.logFile }),
      leftOut,
      install: [['launchctl', 'bootstrap', domain, file]],
      uninstall: [['launchctl', 'bootout', `${domain}/${LABEL}`]],
    }
  }
  const text =
    platform === 'win32' ? scheduledTask(run) : crontabLine(run, daemonEnvironment(platform))
  return { manager: 'none', file: undefined, text, leftOut, install: [], uninstall: [] }
}

/**
 * Writes the file and has the service manager start the daemon, now and from now on.
 * @param beforeStart Makes room for it, once all else has gone well. Gives what was done, if anything.
 * @returns what was done
 * @throws NOT_AVAILABLE
 */
export async function installService(
  service: Service,
  beforeStart: () => Promise<string | undefined> = () => Promise.resolve(undefined),
): Promise<readonly string[]> {
  const { file, text, install } = service
  if (file === undefined) return []
  await mkdir(dirname(file), { recursive: true })
  const isThere = existsSync(file)
  await writeFile(file, text)
  const done = [`wrote ${file}`]
  // launchd keeps what it read before until it is told to forget it.
  if (isThere && service.manager === 'launchd')
    await Promise.allSettled(service.uninstall.map(tell))
  const start = install.at(-1) ?? []
  for (const command of install.slice(0, -1)) done.push(await tell(command))
  const madeRoom = await beforeStart()
  if (madeRoom !== undefined) done.push(madeRoom)
  done.push(await tell(start))
  return done
}

/** Stops the service and removes its file. @returns what was done, nothing if there was none */
export async function uninstallService(service: Service): Promise<readonly string[]> {
  const { file, uninstall } = service
  if (file === undefined || !existsSync(file)) return []
  const done: string[] = []
  const [stop = [], ...rest] = uninstall
  // Removed even if the service manager knows nothing of it.
  const stopped = await tell(stop).catch((error: unknown) => HyperletterError.from(error).message)
  done.push(stopped)
  await rm(file)
  done.push(`removed ${file}`)
  for (const command of rest) done.push(await tell(command))
  return done
}

/** Whether a user's services run while that user is not logged in. */
export function lingers(user = userInfo().username): boolean {
  return existsSync(join('/var/lib/systemd/linger', user))
}

// The places of configuration and data follow from them.
function variablesOf(env: NodeJS.ProcessEnv): Record<string, string> {
  const names = ['XDG_CONFIG_HOME', 'XDG_DATA_HOME']
  const set = names.map((name) => [name, env[name]] as const).filter(([, value]) => value)
  return Object.fromEntries(set) as Record<string, string>
}

async function tell(command: readonly string[]): Promise<string> {
  const [program = '', ...args] = command
  const line = command.join(' ')
  try {
    await execute(program, args, { timeout: MANAGER_TIMEOUT_MS })
    return line
  } catch (cause) {
    const { stderr = '' } = cause as { stderr?: string }
    const why = stderr.trim() || codeOf(cause) || String(cause)
    const hint = /connect to bus/i.test(why)
      ? 'Log in as this user, not by su or sudo; for a whole machine see docs/service.md.'
      : '`hyperletter daemon logs` may say more.'
    throw new HyperletterError('NOT_AVAILABLE', `\`${line}\` failed: ${why}`, { cause, hint })
  }
}

function systemctl(...args: readonly string[]): readonly string[] {
  return ['systemctl', '--user', ...args]
}

function scheduledTask(run: readonly string[]): string {
  const task = run.map((it) => `\\"${it}\\"`).join(' ')
  return `schtasks /Create /TN Hyperletter /SC ONLOGON /RL LIMITED /TR "${task}"\n`
}

function crontabLine(run: readonly string[], variables: Readonly<Record<string, string>>): string {
  const set = Object.entries(variables).map(([name, value]) => `${name}=${value} `)
  // In a crontab a percent sign ends the command.
  const words = run.map((it) => `'${it.replaceAll("'", `'\\''`).replaceAll('%', '\\%')}'`)
  return `@reboot ${set.join('')}${words.join(' ')}\n`
}
