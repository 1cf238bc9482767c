import { invalidDraft } from './source.ts'
import type { HeadValue } from './front-matter-parsers.ts'

export type { HeadValue } from './front-matter-parsers.ts'

/** Longest head that is looked at: far more than any real one, and little enough to parse at once. */
export const MAX_HEAD_BYTES = 64 * 1024

export interface HeadField {
  readonly value: HeadValue
  /** Line of the file, from 1. */
  readonly line: number
}

export interface FrontMatter {
  readonly style: 'yaml' | 'toml' | 'plain' | 'none'
  /** By field name in small letters. */
  readonly fields: ReadonlyMap<string, HeadField>
  /** The text below the head, unchanged. */
  readonly body: string
  /** Line of the file, from 1, at which the body begins. */
  readonly bodyLine: number
  /** The text begins much like a head but is published as text: what the author should know. */
  readonly doubt?: string
}

/** One line of the text: `end` is past its line end. */
interface Line {
  readonly text: string
  readonly end: number
}

/** Names that a head may begin with, where no delimiter says that it is one. */
const FIRST_NAMES = new Set(
  'title subtitle date published number issue author authors tags keywords category slug summary description lang language status'.split(
    ' ',
  ),
)
/** A plain head must say one of these, or text that merely begins with a colon could be lost. */
const KEPT_NAMES = 'title date published summary description subtitle author authors tags'.split(
  ' ',
)

const YAML_FIELD = /^(?:["']?[\p{L}_][\p{L}\p{N}_ .-]{0,63}["']?[ \t]*:(?:[ \t]|$)|\{)/u
const TOML_FIELD = /^[ \t]*(?:["']?[\p{L}\p{N}_.-]{1,64}["']?[ \t]*=|\[)/u
const PLAIN_FIELD = /^([A-Za-z][A-Za-z0-9 _-]{0,63}):(?:[ \t]+|$)/

const DELIMITED = {
  yaml: { open: /^---[ \t]*$/, close: /^(?:---|\.\.\.)[ \t]*$/, field: YAML_FIELD, mark: '---' },
  toml: { open: /^\+\+\+[ \t]*$/, close: /^\+\+\+[ \t]*$/, field: TOML_FIELD, mark: '+++' },
} as const

/**
 * Parts a Markdown text from its head: YAML between `---`, TOML between `+++`, `Key: value` lines up
 * to the first blank one, or none. The blank line right below a head belongs to the head.
 *
 * `---` is also a thematic break, so it opens a head only if the next line looks like a field; after
 * blank or comment lines, only if that field is one of the usual ones.
 * @throws INVALID_DRAFT for a head that is not closed, too long, or broken, with its line.
 */
export async function splitFrontMatter(text: string): Promise<FrontMatter> {
  const first = lineAt(text, 0)
  if (first === undefined) return none(text)
  for (const style of ['yaml', 'toml'] as const) {
    if (DELIMITED[style].open.test(first.text)) return splitDelimited(text, style, first.end)
  }
  return splitPlain(text, first)
}

async function splitDelimited(
  text: string,
  style: 'yaml' | 'toml',
  start: number,
): Promise<FrontMatter> {
  const { close, mark } = DELIMITED[style]
  const meant = opensHead(text, style, start)
  let lineNumber = 2
  for (let at = start, line = lineAt(text, at); line !== undefined; line = lineAt(text, at)) {
    if (close.test(line.text)) {
      const source = text.slice(start, at)
      if (!meant && source !== '') break
      return {
        style,
        fields: await parseFields(style, source),
        ...bodyAt(text, line.end, lineNumber + 1),
      }
    }
    if (line.end - start > MAX_HEAD_BYTES) {
      if (!meant) break
      throw invalidDraft(`The head has no closing ${mark} within ${MAX_HEAD_BYTES} bytes.`, {
        line: 1,
      })
    }
    at = line.end
    lineNumber++
  }
  if (meant) {
    throw invalidDraft(`The head opens with ${mark} and is never closed.`, {
      line: 1,
      hint: `Write a line with only ${mark} below the last field.`,
    })
  }
  return none(text)
}

function opensHead(text: string, style: 'yaml' | 'toml', start: number): boolean {
  let at = start
  for (let line = lineAt(text, at); line !== undefined; line = lineAt(text, at)) {
    if (!/^[ \t]*(?:#.*)?$/.test(line.text)) {
      if (!DELIMITED[style].field.test(line.text)) return false
      return at === start || FIRST_NAMES.has(nameIn(line.text))
    }
    at = line.end
    if (at - start > MAX_HEAD_BYTES) return false
  }
  return false
}

function nameIn(line: string): string {
  return (/[\p{L}_][\p{L}\p{N}_-]*/u.exec(line)?.[0] ?? '').toLowerCase()
}

async function parseFields(
  style: 'yaml' | 'toml',
  source: string,
): Promise<ReadonlyMap<string, HeadField>> {
  const { parseToml, parseYaml } = await import('./front-matter-parsers.ts')
  const values = style === 'yaml' ? parseYaml(source) : parseToml(source)
  const lines = fieldLines(source)
  const fields = new Map<string, HeadField>()
  for (const [name, value] of values) {
    const key = name.toLowerCase()
    if (!fields.has(key)) fields.set(key, { value, line: lines.get(key) ?? 1 })
  }
  return fields
}

/** The line of the file where each field of a delimited head is first named. */
function fieldLines(source: string): Map<string, number> {
  const lines = new Map<string, number>()
  source.split('\n').forEach((line, index) => {
    const name = /^[ \t]*["']?([\p{L}_][\p{L}\p{N}_-]{0,63})["']?[ \t]*[:=]/u
      .exec(line)?.[1]
      ?.toLowerCase()
    if (name !== undefined && !lines.has(name)) lines.set(name, index + 2)
  })
  return lines
}

function splitPlain(text: string, first: Line): FrontMatter {
  const opening = PLAIN_FIELD.exec(first.text)
  if (opening === null || !FIRST_NAMES.has((opening[1] ?? '').toLowerCase())) return none(text)

  const fields = new Map<string, { value: string; line: number }>()
  let last: { value: string; line: number } | undefined
  let lineNumber = 1
  let at = 0
  for (let line: Line | undefined = first; line !== undefined; line = lineAt(text, at)) {
    if (/^[ \t]*$/.test(line.text)) break
    const match = PLAIN_FIELD.exec(line.text)
    if (match !== null) {
      last = { value: line.text.slice(match[0].length).trim(), line: lineNumber }
      const name = (match[1] ?? '').trim().toLowerCase()
      if (!fields.has(name)) fields.set(name, last)
    } else if (last !== undefined && /^[ \t]/.test(line.text)) {
      last.value = `${last.value} ${line.text.trim()}`.trim()
    } else {
      return {
        ...none(text),
        doubt: `The text begins like a head, but line ${lineNumber} is not "Key: value"; all of it is published as text.`,
      }
    }
    at = line.end
    lineNumber++
    if (at > MAX_HEAD_BYTES)
      throw invalidDraft(`The head is longer than ${MAX_HEAD_BYTES} bytes.`, { line: 1 })
  }
  if (!KEPT_NAMES.some((name) => fields.has(name))) return none(text)
  return { style: 'plain', fields, ...bodyAt(text, at, lineNumber) }
}

/** The body, `at` the first line below the head; one blank line there still belongs to the head. */
function bodyAt(text: string, at: number, lineNumber: number): { body: string; bodyLine: number } {
  const line = lineAt(text, at)
  return line !== undefined && /^[ \t]*$/.test(line.text)
    ? { body: text.slice(line.end), bodyLine: lineNumber + 1 }
    : { body: text.slice(at), bodyLine: lineNumber }
}

function none(text: string): FrontMatter {
  return { style: 'none', fields: new Map(), body: text, bodyLine: 1 }
}

function lineAt(text: string, start: number): Line | undefined {
  if (start >= text.length) return undefined
  const feed = text.indexOf('\n', start)
  const end = feed < 0 ? text.length : feed + 1
  const content = feed < 0 ? end : feed > start && text[feed - 1] === '\r' ? feed - 1 : feed
  return { text: text.slice(start, content), end }
}
