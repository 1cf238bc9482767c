import type { HeadField } from './head-fields.ts'
import { invalidDraft, type DraftWarning } from './source.ts'

/** Longest head that is looked at: far more than any real one, and little enough to parse at once. */
export const MAX_HEAD_BYTES = 64 * 1024

export type HeadStyle = 'yaml' | 'toml' | 'json'

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
export interface Line {
  readonly text: string
  readonly end: number
}

/** Names that a head may begin with, where no delimiter says that it is one. */
export const FIRST_NAMES = new Set(
  'title subtitle date published number issue author authors tags keywords category categories slug summary description lang language status layout permalink type draft publish publishdate pubdate created'.split(
    ' ',
  ),
)
/** A plain head must say one of these, or text that merely begins with a colon could be lost. */
const KEPT_NAMES =
  'title date created published draft status summary description subtitle author authors tags'.split(
    ' ',
  )

/** Also as Nikola (`.. title: …`) and Logseq (`title:: …`) write it. */
export const PLAIN_FIELD = /^(?:\.\. )?([A-Za-z][A-Za-z0-9 _-]{0,63})::?(?:[ \t\u00a0]+|$)/

/** Fields that tell what is not for everybody: text that has one is never published with it. */
export const WARNING_FIELDS = [
  'draft',
  'status',
  'published',
  'publish',
  'private',
  'hidden',
  'visibility',
  'public',
]

// Nikola keeps its fields in a comment.
export function splitCommented(text: string, lead: string): FrontMatter | undefined {
  const [whole = '', above = '', inner = ''] =
    /^(\s*<!--[ \t]*\r?\n(?:-{3,}[ \t]*\r?\n)?)([^]*?)(?:-{3,}[ \t\r\n]*)?-->/.exec(lead) ?? []
  const first = lineAt(inner, 0)
  if (first === undefined) return undefined
  const head = splitPlain(inner, first)
  if (head.style !== 'plain' || head.body.trim() !== '') return undefined
  const linesAbove = above.split('\n').length - 1
  const fields = new Map(
    [...head.fields].map(([name, it]) => [name, { ...it, line: it.line + linesAbove }] as const),
  )
  const end = lineAt(text, whole.length)?.end ?? text.length
  return { ...head, fields, ...bodyAt(text, end, whole.split('\n').length + 1) }
}

const PANDOC = ['title', 'author', 'date']

/** Pandoc: lines `% title`, `% authors` and `% date`, each of which may go on in indented lines. */
export function splitPandoc(text: string): FrontMatter | undefined {
  const fields = new Map<string, { value: string; line: number }>()
  let [at, number] = [0, 1]
  let last: { value: string; line: number } | undefined
  for (let line = lineAt(text, at); line !== undefined; line = lineAt(text, at)) {
    const [, value] = /^%(?![%\w])[ \t]*(.*)$/.exec(line.text) ?? []
    const name = PANDOC[fields.size]
    if (value !== undefined && name !== undefined) {
      last = { value: value.trim(), line: number }
      fields.set(name, last)
    } else if (last !== undefined && /^[ \t]+\S/.test(line.text)) {
      last.value += `${fields.size === 2 ? '; ' : ' '}${line.text.trim()}`
    } else break
    at = line.end
    number++
    if (at > MAX_HEAD_BYTES) return undefined
  }
  const isOver = fields.size > 1 || /^[ \t]*(?:[\r\n]|$)/.test(text.slice(at))
  if (fields.get('title')?.value === undefined || !isOver) return undefined
  return { style: 'plain', fields, warnings: [], ...bodyAt(text, at, number) }
}

export function nameIn(line: string): string {
  return (/[\p{L}_][\p{L}\p{N}_-]*/u.exec(line)?.[0] ?? '').toLowerCase()
}

/** Notion: a heading, which is the title, and below it fields alone, one of which no prose would have. */
export function splitHeaded(text: string, first: Line): FrontMatter | undefined {
  const title = /^#[ \t]+(\S.*)$/.exec(first.text)?.[1]?.trim()
  const blank = lineAt(text, first.end)
  if (title === undefined || blank?.text.trim() !== '') return undefined
  const below = text.slice(blank.end)
  const start = lineAt(below, 0)
  const lines =
    below
      .slice(0, MAX_HEAD_BYTES)
      .split(/\r?\n[ \t]*\r?\n/, 1)[0]
      ?.split('\n') ?? []
  const isHead =
    lines.every((it) => PLAIN_FIELD.test(it)) &&
    lines.some((it) => [...WARNING_FIELDS, 'created'].includes(nameIn(it)))
  if (!isHead || start === undefined) return undefined
  const head = splitFields(below, start)
  const fields = [...head.fields].map(([name, it]) => [name, { ...it, line: it.line + 2 }] as const)
  const titled = new Map<string, HeadField>([['title', { value: title, line: 1 }], ...fields])
  return { ...head, fields: titled, bodyLine: head.bodyLine + 2 }
}

export function splitPlain(text: string, first: Line): FrontMatter {
  const opening = PLAIN_FIELD.exec(first.text)
  if (opening === null || !FIRST_NAMES.has((opening[1] ?? '').toLowerCase())) return none(text)
  const head = splitFields(text, first)
  const isKept = head.style === 'none' || KEPT_NAMES.some((name) => head.fields.has(name))
  return isKept ? head : none(text)
}

function splitFields(text: string, first: Line): FrontMatter {
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
  return { style: 'plain', fields, warnings: [], ...bodyAt(text, at, lineNumber) }
}

/** The body, `at` the first line below the head; one blank line there still belongs to the head. */
export function bodyAt(
  text: string,
  at: number,
  lineNumber: number,
): { body: string; bodyLine: number } {
  const line = lineAt(text, at)
  return line !== undefined && /^[ \t]*$/.test(line.text)
    ? { body: text.slice(line.end), bodyLine: lineNumber + 1 }
    : { body: text.slice(at), bodyLine: lineNumber }
}

export function none(text: string): FrontMatter {
  return { style: 'none', fields: new Map(), warnings: [], body: text, bodyLine: 1 }
}

export function lineAt(text: string, start: number): Line | undefined {
  if (start >= text.length) return undefined
  LINE.lastIndex = start
  const [whole = '', content = ''] = LINE.exec(text) ?? []
  return { text: content, end: start + whole.length }
}

const LINE = /([^\r\n]*)(?:\r\n?|\n|$)/y
