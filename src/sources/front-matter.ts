import { invalidDraft, type DraftWarning } from './source.ts'
import type { HeadValue } from './front-matter-parsers.ts'

export type { HeadValue } from './front-matter-parsers.ts'

/** Longest head that is looked at: far more than any real one, and little enough to parse at once. */
export const MAX_HEAD_BYTES = 64 * 1024

export interface HeadField {
  readonly value: HeadValue
  /** Line of the file, from 1. */
  readonly line: number
}

type HeadStyle = 'yaml' | 'toml' | 'json'

export interface FrontMatter {
  readonly style: HeadStyle | 'plain' | 'none'
  /** By field name in small letters. */
  readonly fields: ReadonlyMap<string, HeadField>
  /** The text below the head, unchanged. */
  readonly body: string
  /** Line of the file, from 1, at which the body begins. */
  readonly bodyLine: number
  /** What the author should know of the head, or of a text that begins much like one. */
  readonly warnings: readonly DraftWarning[]
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

const YAML_FIELD = /^(?:["']?[\p{L}_][\p{L}\p{N}_ .-]{0,63}["']?[ \t]*:(?:[ \t\u00a0]|$)|\{)/u
const JSON_FIELD = /^[ \t]*\{/
const TOML_FIELD = /^[ \t]*(?:["']?[\p{L}\p{N}_.-]{1,64}["']?[ \t]*=|\[)/u
const PLAIN_FIELD = /^([A-Za-z][A-Za-z0-9 _-]{0,63}):(?:[ \t\u00a0]+|$)/

const FIELD = { yaml: YAML_FIELD, toml: TOML_FIELD, json: JSON_FIELD } as const

/** What may stand above a head: blank lines, comments, and marks that show nothing. */
const LEAD = /^(?:[\s\ufeff\u200b\u2060]|<!--[^]*?-->)*/
/** The first line of a head, with the name of its language where that is not the usual one. */
const OPENING = /^(-{3,}|\+{3}|;{3})[ \t]*(ya?ml|toml|json)?[ \t]*$/i
/** A line of signs alone, which is no fence of code. */
const SIGNS = /^(?![`~])[^\w\s]{2,}[ \t]*\w{0,8}$/
const JSON_OPENING = /^\{\s*"/
/** Fields that tell what is not for everybody: text that has one is never published with it. */
const WARNING_FIELDS = [
  'draft',
  'status',
  'published',
  'publish',
  'private',
  'hidden',
  'visibility',
]

/**
 * Parts a Markdown text from its head: YAML between `---`, TOML between `+++`, JSON between `;;;` or in braces of its
 * own, any of them between `---yaml`, `---toml` or `---json` and `---`, `Key: value` lines up to the first blank one,
 * or none. The blank line right below a head belongs to the head.
 *
 * `---` is also a thematic break, so it opens a head only if the next line looks like a field; where anything stands
 * between or above, only if that field is one of the usual ones.
 * @throws INVALID_DRAFT for a head that is not closed, too long, or broken, with its line; for text that looks like a
 * head and is none.
 */
export async function splitFrontMatter(text: string): Promise<FrontMatter> {
  const lead = LEAD.exec(text)?.[0] ?? ''
  const first = lineAt(text, lead.length)
  if (first === undefined) return none(text)
  const [, mark, language] = OPENING.exec(first.text) ?? []
  if (mark !== undefined) {
    const style = styleOf(mark, language)
    const isUsual = lead === '' && (mark.length === 3 || language !== undefined)
    return splitDelimited(text, { style, mark, above: lead, start: first.end, isUsual })
  }
  if (lead === '' && JSON_OPENING.test(text.slice(0, 256))) return splitJson(text)
  if (lead !== '' && lead.trim() !== '') refuseLookalike(text, first)
  if (SIGNS.test(first.text)) refuseLookalike(text, lineAt(text, first.end))
  return lead === '' ? splitPlain(text, first) : none(text)
}

function styleOf(mark: string, language: string | undefined): HeadStyle {
  if (language !== undefined)
    return language.startsWith('y') || language.startsWith('Y')
      ? 'yaml'
      : (language.toLowerCase() as HeadStyle)
  return mark === '+++' ? 'toml' : mark === ';;;' ? 'json' : 'yaml'
}

// Published as text, a head would show what its author meant for a program, and hide that it is a draft.
function refuseLookalike(text: string, line: Line | undefined): void {
  if (line === undefined || !/^\s*["']?[\p{L}_-]+["']?[ \t]*[:=]/u.test(line.text)) return
  if (!FIRST_NAMES.has(nameIn(line.text)) && !WARNING_FIELDS.includes(nameIn(line.text))) return
  throw invalidDraft('The text begins with what looks like a head, but is none.', {
    line: text.slice(0, line.end).trimEnd().split('\n').length,
    hint: 'Begin the file with the head: a line ---, the fields, and a line ---.',
  })
}

// The head of Hugo in JSON ends where its braces do.
async function splitJson(text: string): Promise<FrontMatter> {
  let depth = 0
  let isText = false
  for (let at = 0; at < Math.min(text.length, MAX_HEAD_BYTES); at++) {
    const character = text[at]
    if (isText) {
      if (character === '\\') at++
      else if (character === '"') isText = false
    } else if (character === '"') isText = true
    else if (character === '{' || character === '[') depth++
    else if ((character === '}' || character === ']') && --depth === 0) {
      const line = lineAt(text, at + 1)
      if (line !== undefined && line.text.trim() !== '') break
      const source = text.slice(0, at + 1)
      const parsed = await parseFields('json', source, 0)
      const end = line?.end ?? text.length
      return { style: 'json', ...parsed, ...bodyAt(text, end, source.split('\n').length + 1) }
    }
  }
  throw invalidDraft('The text begins with what looks like a head in JSON, but is none.', {
    line: 1,
  })
}

interface Opened {
  readonly style: HeadStyle
  /** Which line closes it. */
  readonly mark: string
  /** The text above its first line. */
  readonly above: string
  /** Where its fields begin. */
  readonly start: number
  /** Nothing stands above it, and it is written as usual. */
  readonly isUsual: boolean
}

function closes(line: string, { style, mark }: Opened): boolean {
  const text = line.trimEnd()
  return text === mark || (style === 'yaml' && text === '...')
}

async function splitDelimited(text: string, head: Opened): Promise<FrontMatter> {
  const { style, mark, start } = head
  const linesAbove = head.above.split('\n').length
  const meant = opensHead(text, head)
  let lineNumber = linesAbove + 1
  for (let at = start, line = lineAt(text, at); line !== undefined; line = lineAt(text, at)) {
    if (closes(line.text, head)) {
      const source = text.slice(start, at)
      if (!meant && (source !== '' || !head.isUsual)) break
      return {
        style,
        ...(await parseFields(style, source, linesAbove)),
        ...bodyAt(text, line.end, lineNumber + 1),
      }
    }
    if (line.end - start > MAX_HEAD_BYTES) {
      if (!meant) break
      throw invalidDraft(`The head has no closing ${mark} within ${MAX_HEAD_BYTES} bytes.`, {
        line: linesAbove,
      })
    }
    at = line.end
    lineNumber++
  }
  if (meant) {
    throw invalidDraft(`The head opens with ${mark} and is never closed.`, {
      line: linesAbove,
      hint: `Write a line with only ${mark} below the last field.`,
    })
  }
  return none(text)
}

function opensHead(text: string, { style, start, isUsual }: Opened): boolean {
  let at = start
  for (let line = lineAt(text, at); line !== undefined; line = lineAt(text, at)) {
    if (!/^[ \t]*(?:#.*)?$/.test(line.text)) {
      if (!FIELD[style].test(line.text)) return false
      return (at === start && isUsual) || style === 'json' || FIRST_NAMES.has(nameIn(line.text))
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
  style: HeadStyle,
  written: string,
  linesAbove: number,
): Promise<Pick<FrontMatter, 'fields' | 'warnings'>> {
  const { parseJson, parseToml, parseYaml } = await import('./front-matter-parsers.ts')
  // A no-break space that an editor put below a colon would become a part of the name. Blank lines stand for those above,
  // so that a mistake is found in its line.
  const source =
    '\n'.repeat(linesAbove) +
    written
      .replaceAll(/\r\n?/g, '\n')
      .replaceAll(/^([ \t]*["']?[\p{L}\p{N}_-]{1,64}["']?:)\u00a0/gmu, '$1 ')
  const warnings: DraftWarning[] = []
  const parse = { yaml: parseYaml, toml: parseToml, json: parseJson }[style]
  const values = parse(source, (it) => void warnings.push(it))
  const lines = fieldLines(source)
  const fields = new Map<string, HeadField>()
  for (const [name, value] of values) {
    const key = name.toLowerCase()
    if (!fields.has(key)) fields.set(key, { value, line: lines.get(key) ?? 1 })
  }
  return { fields, warnings }
}

/** The line of the file where each field of a delimited head is first named. */
function fieldLines(source: string): Map<string, number> {
  const lines = new Map<string, number>()
  source.split('\n').forEach((line, index) => {
    const name = /^[ \t]*["']?([\p{L}_][\p{L}\p{N}_-]{0,63})["']?[ \t]*[:=]/u
      .exec(line)?.[1]
      ?.toLowerCase()
    if (name !== undefined && !lines.has(name)) lines.set(name, index + 1)
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
    } else if (WARNING_FIELDS.some((name) => fields.has(name))) {
      throw invalidDraft('The text begins like a head, but this line is not "Key: value".', {
        line: lineNumber,
        hint: 'Write a blank line below the last field.',
      })
    } else {
      const message = `The text begins like a head, but line ${lineNumber} is not "Key: value"; all of it is published as text.`
      return { ...none(text), warnings: [{ message, line: 1 }] }
    }
    at = line.end
    lineNumber++
    if (at > MAX_HEAD_BYTES)
      throw invalidDraft(`The head is longer than ${MAX_HEAD_BYTES} bytes.`, { line: 1 })
  }
  if (!KEPT_NAMES.some((name) => fields.has(name))) return none(text)
  return { style: 'plain', fields, warnings: [], ...bodyAt(text, at, lineNumber) }
}

/** The body, `at` the first line below the head; one blank line there still belongs to the head. */
function bodyAt(text: string, at: number, lineNumber: number): { body: string; bodyLine: number } {
  const line = lineAt(text, at)
  return line !== undefined && /^[ \t]*$/.test(line.text)
    ? { body: text.slice(line.end), bodyLine: lineNumber + 1 }
    : { body: text.slice(at), bodyLine: lineNumber }
}

function none(text: string): FrontMatter {
  return { style: 'none', fields: new Map(), warnings: [], body: text, bodyLine: 1 }
}

function lineAt(text: string, start: number): Line | undefined {
  if (start >= text.length) return undefined
  LINE.lastIndex = start
  const [whole = '', content = ''] = LINE.exec(text) ?? []
  return { text: content, end: start + whole.length }
}

const LINE = /([^\r\n]*)(?:\r\n?|\n|$)/y
