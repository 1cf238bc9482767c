import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { HyperletterError } from '../../../errors.ts'
import { type Commands, type Context, addSettingFlags, settingsIn } from '../../context.ts'
import { formatTable, shrinking } from '../../terminal/table.ts'
import {
  givenSettings,
  isOwnMachine,
  loadConfig,
  settingsPath,
  type Config,
  type Given,
} from '../../../config/config.ts'
import {
  SETTING_NAMES,
  SETTINGS,
  type SettingName,
  type Settings,
} from '../../../config/settings.ts'

export const commands: Commands = {
  config: (config, bind) => {
    config
      .more('Settings come from flags, environment variables and the settings file.')
      .examples('hyperletter config show', 'hyperletter config check')
    addSettingFlags(config.command('show'))
      .description('Show every setting, its value and its origin.')
      .examples('hyperletter config show', 'hyperletter config show --json')
      .action(bind(show))
    config
      .command('check [file]')
      .describeArgument('file', 'a file other than the one in use')
      .description('Validate the settings file; name the first invalid line.')
      .examples('hyperletter config check', 'hyperletter config check ./config.toml')
      .action(bind(check))
    config
      .command('path')
      .description('Print the path of the settings file.')
      .examples('hyperletter config path', '"${EDITOR:-vi}" "$(hyperletter config path)"')
      .action(bind(path))
  },
}

async function show({ io, options, out }: Context): Promise<void> {
  const found = await explainSettings(settingsIn(options), io.env)
  const { dim } = out.style
  const row = ({ name, value, from, where }: ExplainedSetting) => {
    const isSet = from !== 'default'
    const origin = isSet || where === '' ? where : `default: ${where}`
    return [
      name,
      { text: value ?? '-', ...(isSet ? {} : { style: dim }) },
      origin === '' ? 'default' : origin,
    ]
  }
  await out.result(found, () =>
    formatTable(
      ['setting', shrinking('value'), { header: 'from', style: dim }],
      found.settings.map(row),
      out,
    ),
  )
  if (!existsSync(found.file)) await out.note(`There is no settings file at ${found.file}.`)
}

async function check(context: Context, file: string | undefined): Promise<number> {
  const { io, out } = context
  const at = file === undefined ? settingsPath() : resolve(io.cwd, file)
  if (file === undefined && !existsSync(at)) {
    await out.result({ file: at, exists: false, settings: [] }, () => '')
    await out.note(`There is no settings file at ${at}; none is needed.`)
    return 0
  }
  const { readSettingsFile } = await import('../../../config/settings-file.ts')
  try {
    const { settings } = await readSettingsFile(at)
    const names = Object.keys(settings)
    await out.result({ file: at, exists: true, settings: names }, () => {
      const said = names.length === 0 ? 'nothing is set' : `sets ${names.join(', ')}`
      return `${at} is valid: ${said}.\n`
    })
    return 0
  } catch (error) {
    // Not wrong usage of this command, whose answer it is.
    await out.error(HyperletterError.from(error))
    return 1
  }
}

async function path({ out }: Context): Promise<void> {
  const file = settingsPath()
  await out.result({ file, exists: existsSync(file) }, () => `${file}\n`)
}

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
  webAddress: 'all addresses, to private networks only; once a device was added',
  uploadLimit: 'no limit',
  downloadLimit: 'no limit',
  allowPeers: 'everybody who knows the key',
}

/** Every setting with its value and where that came from. @throws INVALID_INPUT */
export async function explainSettings(
  flags: Settings,
  env = process.env,
): Promise<{ readonly file: string; readonly settings: readonly ExplainedSetting[] }> {
  const [config, given] = await Promise.all([loadConfig(flags, env), givenSettings(flags, env)])
  const settings = SETTING_NAMES.map((name) => explain(name, given[name], config))
  return { file: settingsPath(), settings }
}

function explain(name: SettingName, given: Given | undefined, config: Config): ExplainedSetting {
  if (isByBootstrap(name, config)) {
    const where = 'all bootstrap nodes are on this machine'
    return { name, value: textOf(config[name]), from: 'default', where }
  }
  if (given === undefined) {
    const where = DEFAULTS[name] ?? ''
    return { name, value: textOf(config[name]), from: 'default', where }
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
