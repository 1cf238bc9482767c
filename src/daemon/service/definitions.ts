import { fileURLToPath } from 'node:url'
import v8 from 'node:v8'
import { invalidInput } from '../../errors.ts'
import { growHeapAtRestBy } from '../../heap.ts'
import { PACKAGE } from '../../places.ts'

/** One helper thread for the garbage collector instead of four: 8 MB less, for an idle process. */
export const NODE_FLAGS = ['--v8-pool-size=1']

/** Of glibc: one pool of memory for all threads instead of one for each, some of which stays unused. */
const GLIBC_VARIABLES = { MALLOC_ARENA_MAX: '1' }

/** A daemon has started by then, and the collector, which begins 8 s later, is done. */
const COME_TO_REST_MS = 30_000

const LAUNCHER = fileURLToPath(new URL('bin/hyperletter.js', PACKAGE))

/** What runs a daemon, or does something with it, by this very Node and this very copy of the program. */
export function daemonCommand(name: 'run' | 'reload', flags: readonly string[]): readonly string[] {
  return [process.execPath, ...NODE_FLAGS, LAUNCHER, 'daemon', name, ...flags]
}

/** What opens a link, which is its last argument, by this Node and this copy of the program. */
export function openCommand(dataDir: string): readonly string[] {
  return [process.execPath, LAUNCHER, `--data-dir=${dataDir}`, 'open', '--preview']
}

/** Variables that a daemon is started with, by whatever starts it; those that somebody set weigh more. */
export function daemonEnvironment(
  platform: NodeJS.Platform = process.platform,
): Readonly<Record<string, string>> {
  return platform === 'linux' ? GLIBC_VARIABLES : {}
}

/**
 * Keeps the heap of this process small, as suits a daemon: it is there for months and mostly idle. New objects get
 * little room, and the heap grows by half at most before it is tidied up, unless blocks are transferred. Until the daemon
 * has come to rest that is done as soon as it can be; not after that, for with this flag pages take longer.
 */
export function restrainHeap(comeToRestMs: number = COME_TO_REST_MS): void {
  v8.setFlagsFromString('--semi-space-growth-factor=1')
  growHeapAtRestBy(50)
  v8.setFlagsFromString('--optimize-for-size')
  setTimeout(() => v8.setFlagsFromString('--no-optimize-for-size'), comeToRestMs).unref()
}

export interface UnitOptions {
  /** Program and arguments of the service, and of what has it read its configuration again. */
  readonly run: readonly string[]
  readonly reload: readonly string[]
  readonly variables: Readonly<Record<string, string>>
}

/** The name of the unit, also for `systemctl` and `journalctl`. */
export const UNIT = 'hyperletter.service'

/** A systemd unit for the service manager of one user. @throws INVALID_INPUT for what no unit can hold */
export function systemdUnit({ run, reload, variables }: UnitOptions): string {
  const environment = Object.entries(variables).map(
    ([name, value]) => `Environment=${quote(`${name}=${value}`)}\n`,
  )
  return `# Written by \`hyperletter daemon install\`, which replaces it.
[Unit]
Description=Hyperletter: fetches newsletters and passes them on

[Service]
Type=notify
# Node has no Unix datagram sockets: a helper process speaks for the daemon.
NotifyAccess=all
WatchdogSec=3min
ExecStart=${commandLine(run)}
ExecReload=${commandLine(reload)}
Restart=on-failure
RestartSec=30
TimeoutStopSec=10
UMask=0077
${environment.join('')}
[Install]
WantedBy=default.target
`
}

/** A command as ExecStart takes it: nothing in it is expanded. @throws INVALID_INPUT */
export function commandLine([program = '', ...args]: readonly string[]): string {
  // As the program itself, systemd takes no path with such characters at all.
  const isPlain = !/["'\\$]/.test(program)
  const words = isPlain ? args : [program, ...args]
  const first = isPlain ? quote(program) : '/usr/bin/env'
  // A dollar sign begins a variable, but not in the program.
  return [first, ...words.map((it) => quote(it.replaceAll('$', () => '$$')))].join(' ')
}

// A percent sign begins a specifier, whether there are quotation marks or not.
function quote(text: string): string {
  if (/[\u0000-\u001f\u007f]/.test(text)) {
    throw invalidInput('A service cannot be given control characters, as in a path of a folder.')
  }
  const doubled = text.replaceAll('%', '%%')
  if (/^[\w./:@%+=,$-]+$/.test(doubled)) return doubled
  return `"${doubled.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
}

export interface AgentOptions {
  readonly run: readonly string[]
  readonly variables: Readonly<Record<string, string>>
  /** Where what it writes goes. */
  readonly logFile: string
}

/** The name of the agent, also for `launchctl`. */
export const LABEL = 'org.hyperletter.daemon'

/** A launchd agent for one user, as a property list. */
export function launchdAgent({ run, variables, logFile }: AgentOptions): string {
  const environment = Object.entries(variables).map(
    ([name, value]) => `    <key>${escape(name)}</key>\n    <string>${escape(value)}</string>\n`,
  )
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>${LABEL}</string>
  <key>ProgramArguments</key>
  <array>
${run.map((it) => `    <string>${escape(it)}</string>\n`).join('')}  </array>
  <key>EnvironmentVariables</key>
  <dict>
${environment.join('')}  </dict>
  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <dict>
    <key>SuccessfulExit</key>
    <false/>
  </dict>
  <key>ThrottleInterval</key>
  <integer>30</integer>
  <key>ExitTimeOut</key>
  <integer>10</integer>
  <key>ProcessType</key>
  <string>Background</string>
  <key>Umask</key>
  <integer>63</integer>
  <key>StandardOutPath</key>
  <string>/dev/null</string>
  <key>StandardErrorPath</key>
  <string>${escape(logFile)}</string>
</dict>
</plist>
`
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
