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
