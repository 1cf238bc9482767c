import { invalidDraft, type DraftWarning } from './source.ts'
import type { HeadField } from './head-fields.ts'
import {
  bodyAt,
  FIRST_NAMES,
  lineAt,
  MAX_HEAD_BYTES,
  nameIn,
  none,
  PLAIN_FIELD,
  splitCommented,
  splitHeaded,
  splitPandoc,
  splitPlain,
  WARNING_FIELDS,
  type FrontMatter,
  type HeadStyle,
  type Line,
} from './plain-head.ts'

export { MAX_HEAD_BYTES, type FrontMatter } from './plain-head.ts'
export { namedFields, type HeadField, type NamedField, type NamedFields } from './head-fields.ts'
export type { HeadValue } from './front-matter-parsers.ts'

const YAML_FIELD = /^(?:["']?[\p{L}_][\p{L}\p{N}_ .-]{0,63}["']?[ \t]*:(?:[ \t\u00a0]|$)|\{)/u
const JSON_FIELD = /^[ \t]*\{/
const TOML_FIELD = /^[ \t]*(?:["']?[\p{L}\p{N}_.-]{1,64}["']?[ \t]*=|\[)/u
const FIELD = { yaml: YAML_FIELD, toml: TOML_FIELD, json: JSON_FIELD } as const

/** What may stand above a head: blank lines, comments, marks that show nothing, and the version of YAML. */
const LEAD = /^(?:[\s\ufeff\u200b\u2060]|<!--[^]*?-->|%YAML[^\r\n]{0,64})*/
/** The first line of a head, with the name of its language where that is not the usual one. */
const OPENING = /^(-{3,}|\+{3}|;{3})[ \t]*(ya?ml|toml|json)?[ \t]*$/i
/** A line of signs alone, which is no fence of code. */
const SIGNS =
  /^(?![`~])[^\w\s]{2,}[ \t]*\w{0,10}$|^[–—]$|^(?:`{3}|~{3})[ \t]*(?:ya?ml|toml|json|meta(?:data)?|front-?matter)?[ \t]*$/i
/** A head that only its generator can run. */
const PROGRAM =
  /^-{3}[ \t]*(?:js|javascript|coffee|cson|lua|php)[ \t]*$|^export const (?:meta|metadata|front-?matter)\b/i
const JSON_OPENING = /^\{\s*"/
/**
 * Parts a Markdown text from its head: YAML between `---`, TOML between `+++`, JSON between `;;;` or in braces of its
 * own, any of them between `---yaml`, `---toml` or `---json` and `---`, `Key: value` lines up to the first blank one,
 * `% title` lines of Pandoc, or none. The blank line right below a head belongs to the head.
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
    const head = await splitDelimited(text, { style, mark, above: lead, start: first.end, isUsual })
    if (head.style === 'none') refuseLookalike(text, lineAt(text, first.end))
    else if (SECOND_HEAD.test(head.body))
      throw invalidDraft('Below the head is another one.', { line: head.bodyLine })
    return head
  }
  if (lead === '' && JSON_OPENING.test(text.slice(0, 256))) return splitJson(text)
  if (PROGRAM.test(first.text)) {
    throw invalidDraft('The head is a program, which is not run.', {
      line: lead.split('\n').length,
      hint: 'Write its fields as YAML between two lines ---.',
    })
  }
  const commented = splitCommented(text, lead)
  if (commented !== undefined) return commented
  if (lead !== '' && lead.trim() !== '') refuseLookalike(text, first)
  if (SIGNS.test(first.text)) refuseLookalike(text, lineAt(text, first.end))
  if (/^(?:#\+|- \S+:: )/.test(first.text)) refuseLookalike(text, first)
  if (lead !== '') return none(text)
  return (
    splitPandoc(text) ??
    (await splitUnopened(text, first)) ??
    splitHeaded(text, first) ??
    splitPlain(text, first)
  )
}

// Hexo: fields, and a line --- below them alone. One such line is a heading of Markdown.
async function splitUnopened(text: string, first: Line): Promise<FrontMatter | undefined> {
  if (!PLAIN_FIELD.test(first.text) || !FIRST_NAMES.has(nameIn(first.text))) return undefined
  let [count, number] = [0, 1]
  for (let at = 0, line = lineAt(text, at); line !== undefined; line = lineAt(text, at)) {
    if (line.text.trim() === '' || line.end > MAX_HEAD_BYTES) return undefined
    if (/^-{3,}[ \t]*$/.test(line.text)) {
      if (count < 2) return undefined
      const parsed = await parseFields('yaml', text.slice(0, at), 0)
      return { style: 'yaml', ...parsed, ...bodyAt(text, line.end, number + 1) }
    }
    if (PLAIN_FIELD.test(line.text)) count++
    at = line.end
    number++
  }
  return undefined
}

function styleOf(mark: string, language: string | undefined): HeadStyle {
  if (language !== undefined)
    return language.startsWith('y') || language.startsWith('Y')
      ? 'yaml'
      : (language.toLowerCase() as HeadStyle)
  return mark === '+++' ? 'toml' : mark === ';;;' ? 'json' : 'yaml'
}

/** Below another head, one that says for whom the text is not. */
const SECOND_HEAD = new RegExp(
  String.raw`^(-{3,}|\+{3})[ \t]*\r?\n(?:(?!\1)[^\n]*\n){0,50}?[ \t]*(?:${WARNING_FIELDS.join('|')})[ \t]*[:=]`,
  'i',
)

/** `title: x`, also as Org mode and Logseq write it, or with another colon. */
const LOOKALIKE = /^\s*(?:#\+|- )?["']?[\p{L}_-]+["']?[ \t]*[:=：]/u

// Published as text, a head would show what its author meant for a program, and hide that it is a draft.
function refuseLookalike(text: string, line: Line | undefined): void {
  if (line === undefined || !LOOKALIKE.test(line.text)) return
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

function closes(line: string, head: Opened): boolean {
  const { style, mark } = head
  const text = isIndented(head) ? line.trim() : line.trimEnd()
  return text === mark || (style === 'yaml' && text === '...')
}

function isIndented({ above }: Opened): boolean {
  return /[ \t]$/.test(above)
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

function opensHead(text: string, head: Opened): boolean {
  const { style, start } = head
  let { isUsual } = head
  let at = start
  for (let line = lineAt(text, at); line !== undefined; line = lineAt(text, at)) {
    const words = isIndented(head) ? line.text.trimStart() : line.text
    if (/^[ \t]*$/.test(words)) isUsual = false
    else if (!/^[ \t]*#/.test(words)) {
      if (!FIELD[style].test(words)) return false
      return isUsual || style === 'json' || FIRST_NAMES.has(nameIn(words))
    }
    at = line.end
    if (at - start > MAX_HEAD_BYTES) return false
  }
  return false
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
