import { readFile } from 'node:fs/promises'
import { parse, TomlError } from 'smol-toml'
import * as z from 'zod'
import { codeOf, HyperletterError, invalidInput } from '../errors.ts'
import { SETTING_NAMES, SETTINGS, type SettingName, type Settings } from './settings.ts'

const others = { number: z.number(), boolean: z.boolean(), list: z.array(z.string()) }

/** Characters: a complaint may repeat a name or a value, however long it is. */
const MAX_COMPLAINT = 500

const WORDS = { number: 'a number', boolean: 'true or false', list: 'a list of texts' }

const file = z.strictObject(
  Object.fromEntries(
    Object.entries(SETTINGS).map(([name, { inFile }]) => [
      name,
      (inFile === undefined ? z.string() : z.union([z.string(), others[inFile]])).optional(),
    ]),
  ),
)

export interface SettingsFile {
  readonly settings: Settings
  /** Where each of them stands: path and line. */
  readonly places: { readonly [Name in SettingName]?: string }
}

/** The settings in a TOML file. @throws INVALID_INPUT naming what is wrong with it, and the line */
export async function readSettingsFile(path: string): Promise<SettingsFile> {
  let toml: string
  try {
    toml = await readFile(path, 'utf8')
  } catch (cause) {
    throw invalid(path, undefined, `cannot be read (${codeOf(cause) ?? String(cause)})`, cause)
  }
  return settingsIn(toml, path)
}

/** The settings in the text of such a file. @throws as `readSettingsFile` does */
export function settingsIn(toml: string, path: string): SettingsFile {
  const settings: Partial<Record<SettingName, string>> = {}
  const places: Partial<Record<SettingName, string>> = {}
  for (const [name, found] of Object.entries(tableIn(toml, path))) {
    const text = Array.isArray(found) ? found.join(',') : String(found)
    try {
      SETTINGS[name as SettingName].parse(text)
    } catch (cause) {
      const { message, hint } = HyperletterError.from(cause)
      throw invalid(path, lineOf(toml, name), `${name}: ${message}`, cause, hint)
    }
    settings[name as SettingName] = text
    places[name as SettingName] = placeOf(path, lineOf(toml, name))
  }
  return { settings, places }
}

function tableIn(toml: string, path: string): Record<string, unknown> {
  try {
    return file.parse(parse(toml))
  } catch (cause) {
    if (cause instanceof TomlError) {
      const first = cause.message.split('\n', 1)[0] ?? ''
      throw invalid(path, cause.line, first.replace('Invalid TOML document: ', ''), cause)
    }
    if (!(cause instanceof z.ZodError)) throw cause
    const issue = cause.issues[0]
    if (issue?.code === 'unrecognized_keys') {
      const [name = ''] = issue.keys
      const known = `Known are ${SETTING_NAMES.join(', ')}.`
      throw invalid(path, lineOf(toml, name), `there is no setting "${name}"`, cause, known)
    }
    const name = String(issue?.path[0])
    const { inFile } = SETTINGS[name as SettingName]
    const kinds = inFile === undefined ? 'text' : `text or ${WORDS[inFile]}`
    throw invalid(path, lineOf(toml, name), `${name} must be ${kinds}`, cause)
  }
}

// The parser does not say where a value stood that it took.
function lineOf(toml: string, name: string): number | undefined {
  const index = toml
    .split('\n')
    .findIndex((line) => /^\s*\[*\s*["']?(?<key>[^\s"'=.\]]+)/.exec(line)?.groups?.['key'] === name)
  return index < 0 ? undefined : index + 1
}

function placeOf(path: string, line: number | undefined): string {
  return line === undefined ? path : `${path}, line ${line}`
}

function invalid(
  path: string,
  line: number | undefined,
  complaint: string,
  cause: unknown,
  hint?: string,
): HyperletterError {
  const place = placeOf(path, line)
  const short =
    complaint.length > MAX_COMPLAINT ? `${complaint.slice(0, MAX_COMPLAINT)}…` : complaint
  return invalidInput(`${place}: ${short.replace(/\.?$/, '.')}`, { cause, hint })
}
