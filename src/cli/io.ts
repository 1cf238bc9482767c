import type { Command } from 'commander'
import { type Setting, type SettingName, type Settings, SETTINGS } from '../config/settings.ts'
import { defined } from '../defined.ts'

/** A stream to write to; a terminal if `isTTY`. */
export interface OutputStream extends NodeJS.WritableStream {
  readonly isTTY?: boolean
  /** Width and height of the terminal in characters. */
  readonly columns?: number
  readonly rows?: number
}

/** A stream to read from; a terminal if `isTTY`. */
export interface InputStream extends NodeJS.ReadableStream {
  readonly isTTY?: boolean
}

/** The options that every command takes, and the settings that some take. */
export interface GlobalOptions extends Settings {
  readonly json?: boolean
  readonly quiet?: boolean
  readonly color: boolean
  readonly verbose?: boolean
}

/** Settings whose flags every command takes; the program adds those itself. */
const GLOBAL = new Set(['dataDir', 'bootstrap', 'host'])

/** Adds a flag for each setting that not every command takes. */
export function addSettingFlags<C extends Command>(command: C): C {
  for (const [name, { flag, summary, variable }] of Object.entries<Setting<unknown>>(SETTINGS)) {
    if (!GLOBAL.has(name)) command.option(flag, `${summary} (${variable})`)
  }
  return command
}

/** The settings that a command line gave. */
export function settingsIn(options: GlobalOptions): Settings {
  const names = Object.keys(SETTINGS) as SettingName[]
  const given = names
    .map((name) => [name, options[name]] as const)
    // Some command may have an option of its own with such a name.
    .filter(([, value]) => typeof value === 'string')
  const logLevel = options.verbose === true ? 'debug' : undefined
  return { ...defined({ logLevel }), ...Object.fromEntries(given) }
}
