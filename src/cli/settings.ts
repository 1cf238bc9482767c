import type { Command } from 'commander'
import { SETTINGS, type Setting, type SettingName, type Settings } from '../config/settings.ts'
import { defined } from '../defined.ts'
import type { GlobalOptions } from './io.ts'

/** Settings whose flags every command takes; the program adds those itself. */
const GLOBAL = new Set(['dataDir', 'bootstrap', 'host'])

/** Adds a flag for each setting that not every command takes. */
export function addSettingFlags(command: Command): Command {
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
