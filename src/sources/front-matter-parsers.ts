import { parse, TomlDate, TomlError } from 'smol-toml'
import { isMap, parseDocument } from 'yaml'
import { invalidDraft, type DraftWarning } from './source.ts'
import { parseDate } from './date.ts'

/** A value in a head: every scalar as the text it was written as. */
export type HeadValue = string | readonly HeadValue[] | ReadonlyMap<string, HeadValue>

/** Real heads use no alias at all; a few are harmless, many are an attack on memory. */
const MAX_ALIASES = 32

/** Heads nest two or three levels; both parsers call themselves for each. */
const MAX_DEPTH = 32

/** Fields that only tell about a text: a mistake in one of them hides nothing that keeps a text from being published. */
const TELLING = /^(title|subtitle|summary|description|excerpt):[ \t]+(.*\S)/

/** A text without quotes that goes on behind what YAML takes for a comment: `title: Issue #4`. */
const CUT = /^(title|subtitle|summary|description|excerpt):[ \t]+[^\s"'|>&*![{#][^\n]*?[ \t]#/

/**
 * The fields of a YAML head. Every scalar stays the text that was written (`1.10` is a title, not a
 * number), tags build nothing. A title or summary that is not YAML (`title: Tides: a list`) is taken as it stands.
 * @param warn Gets a warning for each that is.
 * @throws INVALID_DRAFT with the line of the mistake in the file.
 */
export function parseYaml(
  source: string,
  warn: (warning: DraftWarning) => void,
): ReadonlyMap<string, HeadValue> {
  refuseDepth(source)
  try {
    const document = parseDocument(source, {
      schema: 'failsafe',
      logLevel: 'error',
      uniqueKeys: false,
    })
    const error = document.errors[0]
    const repaired = error === undefined ? undefined : asItStands(source, error.linePos?.[0].line)
    if (repaired !== undefined) {
      const { line, name } = repaired
      warn({ message: `The field "${name}" is not valid YAML; it is taken as it stands.`, line })
      return parseYaml(repaired.source, warn)
    }
    if (error !== undefined)
      throw broken('YAML', error.message, lineWithin(source, error.linePos?.[0].line), error)
    source.split('\n').forEach((it, index) => {
      const name = CUT.exec(it)?.[1]
      const message = `What stands behind " #" in the field "${name}" is a comment in YAML; put quotes around the text to keep it.`
      if (name !== undefined) warn({ message, line: index + 1 })
    })
    if (document.contents === null) return new Map()
    if (!isMap(document.contents)) throw broken('YAML', 'fields are written as "name: value"', 1)
    const values: unknown = document.toJS({ mapAsMap: true, maxAliasCount: MAX_ALIASES })
    return fieldsOf(values as Map<unknown, unknown>)
  } catch (error) {
    throw asBroken('YAML', error)
  }
}

/** A value in quotes that needs none of ours. */
const QUOTED = /^"(?:[^"\\]|\\.)*"$/

function asItStands(source: string, line = 0) {
  const lines = source.split('\n')
  const [, name, value] = TELLING.exec(lines[line - 1] ?? '') ?? []
  if (name === undefined || value === undefined || QUOTED.test(value)) return undefined
  const text = /^(['"])(.*)\1$/.exec(value)?.[2] ?? value
  lines[line - 1] = `${name}: ${JSON.stringify(text)}`
  return { source: lines.join('\n'), name, line }
}

/**
 * The fields of a TOML head; numbers, dates and the like as text.
 * @throws INVALID_DRAFT with the line of the mistake in the file.
 */
export function parseToml(source: string): ReadonlyMap<string, HeadValue> {
  refuseDepth(source)
  try {
    const values = parse(source, { integersAsBigInt: true })
    refuseImpossibleDates(source)
    return fieldsOf(new Map(Object.entries(values)))
  } catch (error) {
    if (error instanceof TomlError) throw broken('TOML', tomlReason(error), error.line, error)
    throw asBroken('TOML', error)
  }
}

/** The fields of a head in JSON. @throws INVALID_DRAFT */
export function parseJson(source: string): ReadonlyMap<string, HeadValue> {
  refuseDepth(source)
  try {
    const values: unknown = JSON.parse(source)
    if (values === null || typeof values !== 'object' || Array.isArray(values)) {
      throw broken('JSON', 'fields are written in braces', 1)
    }
    return fieldsOf(new Map(Object.entries(values)))
  } catch (error) {
    throw asBroken('JSON', error)
  }
}

function fieldsOf(values: ReadonlyMap<unknown, unknown>): ReadonlyMap<string, HeadValue> {
  const fields = new Map<string, HeadValue>()
  for (const [name, value] of values) {
    const converted = headValue(value, 0)
    if (typeof name === 'string' && converted !== undefined) fields.set(name, converted)
  }
  return fields
}

function headValue(value: unknown, depth: number): HeadValue | undefined {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean')
    return String(value)
  if (value instanceof TomlDate) return value.toISOString()
  if (value === null || typeof value !== 'object' || depth > MAX_DEPTH) return undefined
  if (Array.isArray(value)) {
    return value.map((it: unknown) => headValue(it, depth + 1)).filter((it) => it !== undefined)
  }
  const entries: Iterable<[unknown, unknown]> = value instanceof Map ? value : Object.entries(value)
  const map = new Map<string, HeadValue>()
  for (const [name, it] of entries) {
    const converted = headValue(it, depth + 1)
    if (typeof name === 'string' && converted !== undefined) map.set(name.toLowerCase(), converted)
  }
  return map
}

// Both parsers are recursive: a head of brackets or of "- - - -" would overflow the stack, and in
// YAML take quadratic time before it does. Brackets inside of text balance, or are few.
function refuseDepth(source: string): void {
  let brackets = 0
  let indicators = 0
  for (let at = 0; at < source.length; at++) {
    const character = source.charAt(at)
    if (character === '[' || character === '{') brackets++
    else if (character === ']' || character === '}') brackets = Math.max(0, brackets - 1)
    if (/[-?:]/.test(character) && /^\s/.test(source.charAt(at + 1))) indicators++
    else if (!/\s/.test(character)) indicators = 0
    if (brackets > MAX_DEPTH || indicators > MAX_DEPTH) {
      const line = source.slice(0, at).split('\n').length
      throw invalidDraft(`The head nests deeper than ${MAX_DEPTH} levels.`, { line })
    }
  }
}

// The TOML parser turns 30 February into 2 March.
function refuseImpossibleDates(source: string): void {
  source.split('\n').forEach((line, index) => {
    const date = /=[ \t]*(\d{4}-\d{2}-\d{2}(?:[Tt ][\d:.]+(?:[Zz]|[+-][\d:]+)?)?)\s*(?:#.*)?$/.exec(
      line,
    )?.[1]
    if (date !== undefined && parseDate(date) === undefined) {
      throw broken('TOML', `${date} is not a day and time of the calendar`, index + 1)
    }
  })
}

// What is never closed is noticed at the end of the head: its last line that says something.
function lineWithin(source: string, line: number | undefined): number | undefined {
  return line === undefined ? undefined : Math.min(line, source.trimEnd().split('\n').length)
}

function tomlReason(error: TomlError): string {
  return error.message.replace(/^Invalid TOML document: /, '')
}

function asBroken(language: string, error: unknown): Error {
  if (error instanceof Error && 'code' in error && error.code === 'INVALID_DRAFT') return error
  return broken(language, error instanceof Error ? error.message : String(error), undefined, error)
}

function broken(
  language: string,
  reason: string,
  line: number | undefined,
  cause?: unknown,
): Error {
  const first = reason.split('\n')[0]?.replace(/ at line \d+, column \d+:?$/, '') ?? ''
  return invalidDraft(`The head is not valid ${language}: ${first}`, {
    line: line === undefined ? undefined : line,
    hint: `Correct the head, or put quotes around a value that holds a colon.`,
    cause,
  })
}
