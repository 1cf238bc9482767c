import {
  givenSettings,
  isOwnMachine,
  loadConfig,
  settingsPath,
  type Config,
  type Given,
} from './config.ts'
import { SETTING_NAMES, SETTINGS, type SettingName, type Settings } from './settings.ts'

/** One setting as it is in force, for people and for reports of mistakes: no secrets. */
export interface ExplainedSetting {
  readonly name: SettingName
  /** As it would be written in the file; null where nothing was set and there is no default value. */
  readonly value: string | null
  readonly from: Given['from'] | 'default'
  /** The flag, the variable, or the file with the line; what the default means. */
  readonly where: string
}

const HIDDEN = '(set, not shown)'

/** What the absence of a setting means. */
const DEFAULTS: { readonly [Name in SettingName]?: string } = {
  dataDir: 'the place for data on this system',
  bootstrap: 'the public nodes',
  host: 'all addresses of this machine',
  udpPort: '49737 if it is free',
  diskCap: 'a share of the disk',
  uploadLimit: 'no limit',
  downloadLimit: 'no limit',
  allowPeers: 'everybody who knows the key',
  webAddress: 'all addresses, to private networks only; once a device was added',
}

/** Every setting with its value and where that came from. @throws INVALID_INPUT */
export async function explainSettings(
  flags: Settings,
  env = process.env,
): Promise<{ readonly file: string; readonly settings: readonly ExplainedSetting[] }> {
  const [config, given] = await Promise.all([loadConfig(flags, env), givenSettings(flags, env)])
  const names = SETTING_NAMES
  return {
    file: settingsPath(),
    settings: names.map((name) => explain(name, given[name], config)),
  }
}

function explain(name: SettingName, given: Given | undefined, config: Config): ExplainedSetting {
  if (isByBootstrap(name, config)) {
    const where = 'all bootstrap nodes are on this machine'
    return { name, value: textOf(config[name]), from: 'default', where }
  }
  if (given === undefined) {
    return {
      name,
      value: textOf(config[name]),
      from: 'default',
      where: DEFAULTS[name] ?? '',
    }
  }
  const { from, where } = given
  return { name, value: withoutSecrets(name, given.text, config), from, where }
}

// On a network of this machine alone two settings follow from a third, whatever they say.
function isByBootstrap(name: SettingName, { bootstrap }: Config): boolean {
  return isOwnMachine(bootstrap) && (name === 'host' || name === 'localDiscovery')
}

// Addresses that things are posted to often are secrets themselves.
function withoutSecrets(name: SettingName, text: string, { webhook, dataDir }: Config): string {
  if (name === 'dataDir') return dataDir
  if (name === 'webhook' && webhook !== undefined) return `${new URL(webhook).origin}/…`
  return SETTINGS[name].isSecret === true ? HIDDEN : text
}

function textOf(value: Config[SettingName]): string | null {
  if (typeof value === 'boolean') return value ? 'on' : 'off'
  return typeof value === 'string' || typeof value === 'number' ? String(value) : null
}
