import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { ExplainedSetting } from '../../../config/explain.ts'
import { HyperletterError } from '../../../errors.ts'
import { examples, type Bind } from '../../command.ts'
import type { Context } from '../../context.ts'
import { addSettingFlags, settingsIn } from '../../settings.ts'
import { formatTable } from '../../terminal/table.ts'

export function register(program: Command, bind: Bind): void {
  const config = program
    .command('config')
    .description('Show and check what is set, by flags, variables and the file.')
    .addHelpText('after', examples('hyperletter config show', 'hyperletter config check'))
  addSettingFlags(config.command('show'))
    .description('Show every setting, its value, and where that comes from.')
    .addHelpText('after', examples('hyperletter config show', 'hyperletter config show --json'))
    .action(bind(show))
  config
    .command('check')
    .argument('[file]', 'another file than the one in use')
    .description('Say whether the file is right, or the line that is wrong.')
    .addHelpText(
      'after',
      examples('hyperletter config check', 'hyperletter config check ./config.toml'),
    )
    .action(bind(check))
  config
    .command('path')
    .description('Print where the file is looked for.')
    .addHelpText(
      'after',
      examples('hyperletter config path', '"${EDITOR:-vi}" "$(hyperletter config path)"'),
    )
    .action(bind(path))
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
      { text: origin === '' ? 'default' : origin, style: dim },
    ]
  }
  await out.result(found, () =>
    formatTable(
      [{ header: 'setting' }, { header: 'value', shrink: true }, { header: 'from' }],
      found.settings.map(row),
      { width: out.width, header: dim },
    ),
  )
  if (!existsSync(found.file)) await out.note(`There is no file at ${found.file}.`)
}

async function check(context: Context, file: string | undefined): Promise<number> {
  const { io, out } = context
  const { settingsPath } = await import('../../../config/config.ts')
  const at = file === undefined ? settingsPath() : resolve(io.cwd, file)
  if (file === undefined && !existsSync(at)) {
    await out.result({ file: at, exists: false, settings: [] }, () => '')
    await out.note(`There is no file at ${at}, and there need not be one.`)
    return 0
  }
  const { readSettingsFile } = await import('../../../config/settings-file.ts')
  try {
    const { settings } = await readSettingsFile(at)
    const names = Object.keys(settings)
    await out.result({ file: at, exists: true, settings: names }, () => {
      const said = names.length === 0 ? 'nothing is set' : `sets ${names.join(', ')}`
      return `${at} is right: ${said}.\n`
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
