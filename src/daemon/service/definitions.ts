import { HyperletterError } from '../../errors.ts'

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
    throw new HyperletterError(
      'INVALID_INPUT',
      'A service cannot be given control characters, as in a path of a folder.',
    )
  }
  const doubled = text.replaceAll('%', '%%')
  if (/^[\w./:@%+=,$-]+$/.test(doubled)) return doubled
  return `"${doubled.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
}

export interface AgentOptions {
  /** Program and arguments. */
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
