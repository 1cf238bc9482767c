import type { Work } from './work.ts'
import { mkdir, readFile, realpath } from 'node:fs/promises'
import { dirname } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { replaceWhole } from '../atomic-file.ts'
import { settingsPath } from '../config/config.ts'
import { settingsIn } from '../config/settings-file.ts'
import { SETTINGS, type SettingName, type Settings } from '../config/settings.ts'
import { ifMissing, invalidInput } from '../errors.ts'

/** @throws INVALID_INPUT if a value is not valid, or if a flag or variable decides, which the file cannot change */
export const changeSettings: Work<'changeSettings'> = async ({ live }, { settings }) => {
  const names = Object.keys(settings) as (keyof typeof settings)[]
  const valueOf = (name: SettingName, text: string | null | undefined) =>
    text === null || text === undefined ? undefined : SETTINGS[name].parse(text)
  const wanted = Object.fromEntries(
    names.map((name) => [name, valueOf(name, settings[name]) ?? defaultOf(name)]),
  )
  await changeSettingsFile(settingsPath(), settings, (before) => {
    for (const name of names) {
      const said = valueOf(name, before[name]) ?? defaultOf(name)
      const isFree = [said, wanted[name]].some((it) => isDeepStrictEqual(it, live.value[name]))
      if (isFree) continue
      throw invalidInput(`${name} is set by a flag or a variable.`, {
        hint: 'Change it there, or leave it out there; `hyperletter config show` says where.',
      })
    }
  })
  const { applied, restart } = await live.replace(Object.freeze({ ...live.value, ...wanted }))
  return { changed: [...applied, ...restart] }
}

function defaultOf(name: SettingName): unknown {
  return name === 'pause' ? false : undefined
}

/** What is to be set, and what is not to be set any more. */
type SettingChanges = { readonly [Name in SettingName]?: string | null | undefined }

/**
 * Changes lines of a settings file; comments and all other lines stay. The file is made where there is none.
 * @param check gets what the file says now, and may refuse.
 * @throws INVALID_INPUT if the file, or a value, is not valid: then nothing changes
 */
export async function changeSettingsFile(
  path: string,
  changes: SettingChanges,
  check: (before: Settings) => void,
): Promise<void> {
  // A link of somebody who keeps all such files in one place stays one.
  const real = await realpath(path).catch(() => path)
  const before = await readFile(real, 'utf8').catch(ifMissing(''))
  check(settingsIn(before, path).settings)
  const after = withChanges(before, changes)
  settingsIn(after, path)
  if (after === before) return
  await mkdir(dirname(real), { recursive: true, mode: 0o700 })
  await replaceWhole(real, [Buffer.from(after)])
}

/** The text of a settings file with other values; there are no tables in it, so a new line may stand at its end. */
export function withChanges(toml: string, changes: SettingChanges): string {
  let text = toml
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) continue
    const line = new RegExp(`^[ \\t]*["']?${name}["']?[ \\t]*=.*(?:\\r?\\n|$)`, 'm')
    const fresh = value === null ? '' : `${name} = ${JSON.stringify(value)}\n`
    if (line.test(text)) text = text.replace(line, () => fresh)
    else text = `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${fresh}`
  }
  return text
}
