import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { ExplainedSetting } from '../../../config/explain.ts'
import { HyperletterError } from '../../../errors.ts'
import { type Commands, type Context, addSettingFlags, settingsIn } from '../../context.ts'
import { formatTable, shrinking } from '../../terminal/table.ts'

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
  const { explainSettings } = await import('../../../config/explain.ts')
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
  const { settingsPath } = await import('../../../config/config.ts')
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
  const { settingsPath } = await import('../../../config/config.ts')
  const file = settingsPath()
  await out.result({ file, exists: existsSync(file) }, () => `${file}\n`)
}
