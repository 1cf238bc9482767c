import { safeParse, type z } from 'zod'
import { defined } from '../defined.ts'
import { issueHeadFields } from '../format/records/issue.ts'
import { languageTag, type Author } from '../format/records/text.ts'
import { invalidDraft } from './source.ts'
import { parseDate } from './date.ts'
import type { FrontMatter, HeadField, HeadValue } from './front-matter.ts'

/** What a head says of an issue, each value within the limits of a record. */
export interface DraftHead {
  readonly title?: string
  readonly summary?: string
  readonly authors?: Author[]
  readonly tags?: string[]
  readonly language?: string
  /** ISO 8601 in UTC. */
  readonly publishedAt?: string
  readonly declaredNumber?: number
}

type Fields = FrontMatter['fields']

/** The names that each field goes by, the preferred one first. */
const NAMES = {
  title: ['title'],
  date: ['date', 'publishedat', 'published', 'pubdate'],
  summary: ['summary', 'description', 'subtitle', 'excerpt'],
  authors: ['authors', 'author'],
  tags: ['tags', 'keywords', 'category'],
  language: ['language', 'lang'],
  number: ['number', 'issue'],
} as const

const schemas = {
  title: issueHeadFields.title,
  summary: issueHeadFields.summary.def.innerType,
  authors: issueHeadFields.authors.def.innerType,
  tags: issueHeadFields.tags.def.innerType,
  language: languageTag,
}

/**
 * Reads the fields that an issue keeps; all others are ignored.
 * @throws INVALID_DRAFT naming the field and its line; also if the head says that the draft is not ready.
 */
export function readHead(fields: Fields): DraftHead {
  if (fields.size === 0) return {}
  refuseUnfinished(fields)
  const title = textField(fields, 'title')
  const summary = textField(fields, 'summary')
  const language = textField(fields, 'language')?.replaceAll('_', '-')
  const authors = authorsField(fields)
  const tags = tagsField(fields)
  const publishedAt = dateField(fields)
  const declaredNumber = numberField(fields)
  return {
    ...(title === undefined ? {} : { title: checked('title', title, fields) }),
    ...(summary === undefined ? {} : { summary: checked('summary', summary, fields) }),
    ...(authors === undefined ? {} : { authors: checked('authors', authors, fields) }),
    ...(tags === undefined ? {} : { tags: checked('tags', tags, fields) }),
    ...(language === undefined ? {} : { language: checked('language', language, fields) }),
    ...defined({ publishedAt, declaredNumber }),
  }
}

/** @throws INVALID_DRAFT if a title from elsewhere than the head is over the limits of a record. */
export function checkTitle(title: string, from: string, line: number | undefined): string {
  const complaint = complaintOf(schemas.title, title)
  if (complaint === undefined) return title
  throw invalidDraft(`The ${from} cannot be the title: it ${complaint}.`, {
    line,
    hint: 'Give the draft a title in its head: "Title: …" on the first line, and a blank line below.',
  })
}

function checked<K extends keyof typeof schemas>(
  name: K,
  value: z.output<(typeof schemas)[K]>,
  fields: Fields,
): z.output<(typeof schemas)[K]> {
  const complaint = complaintOf(schemas[name], value)
  if (complaint === undefined) return value
  throw invalidDraft(`The field "${name}" ${complaint}.`, { line: find(fields, NAMES[name])?.line })
}

function complaintOf(schema: z.core.$ZodType, value: unknown): string | undefined {
  const issue = safeParse(schema, value).error?.issues[0]
  if (issue === undefined) return undefined
  if (issue.code === 'too_big') return `is too long (at most ${issue.maximum})`
  const words = issue.message
  return words.startsWith('must') ? words : `is not valid: ${words}`
}

// An author who marked a draft as one did not mean to publish it, and an issue cannot be taken back.
function refuseUnfinished(fields: Fields): void {
  const marks = [
    ['draft', /^(?:true|yes|1)$/i],
    ['status', /^draft$/i],
    ['published', /^(?:false|no)$/i],
  ] as const
  for (const [name, unfinished] of marks) {
    const field = fields.get(name)
    if (typeof field?.value === 'string' && unfinished.test(field.value.trim())) {
      throw invalidDraft(
        `The head says that the draft is not finished (${name}: ${field.value.trim()}).`,
        {
          line: field.line,
          hint: `Remove the field "${name}" when it may be published.`,
        },
      )
    }
  }
}

function find(fields: Fields, names: readonly string[]): HeadField | undefined {
  for (const name of names) {
    const field = fields.get(name)
    if (field !== undefined && !isBlank(field.value)) return field
  }
  return undefined
}

function isBlank(value: HeadValue): boolean {
  return typeof value === 'string'
    ? /^\s*(?:~|null)?\s*$/.test(value)
    : (isMap(value) ? value.size : value.length) === 0
}

function textField(fields: Fields, name: 'title' | 'summary' | 'language'): string | undefined {
  const field = find(fields, NAMES[name])
  if (field === undefined) return undefined
  if (typeof field.value === 'string') return trimmed(field.value)
  throw invalidDraft(`The field "${name}" must be text.`, { line: field.line })
}

function trimmed(text: string): string {
  return text.replaceAll('\r\n', '\n').trim()
}

function dateField(fields: Fields): string | undefined {
  // Some heads say `published: true`, which is no date and nothing to complain about.
  const names = NAMES.date.filter((name) => !/^(?:true|yes|1)$/i.test(textIn(fields.get(name))))
  const field = find(fields, names)
  if (field === undefined) return undefined
  const date = typeof field.value === 'string' ? parseDate(field.value) : undefined
  if (date !== undefined) return date
  const words = typeof field.value === 'string' ? `"${clipped(field.value)}"` : 'the field'
  throw invalidDraft(`The date is not valid: ${words} is not a day and time of the calendar.`, {
    line: field.line,
    hint: 'Write it as 2026-03-01 or 2026-03-01T09:30:00Z.',
  })
}

function textIn(field: HeadField | undefined): string {
  return typeof field?.value === 'string' ? field.value.trim() : ''
}

// Error messages reach a terminal: nothing in them may drive it.
function clipped(text: string): string {
  return trimmed(text).slice(0, 64).replaceAll(/\p{C}/gu, '?')
}

function numberField(fields: Fields): number | undefined {
  const text = textIn(find(fields, NAMES.number)).replace(/^#/, '')
  return /^\d{1,9}$/.test(text) && Number(text) > 0 ? Number(text) : undefined
}

function tagsField(fields: Fields): string[] | undefined {
  const field = find(fields, NAMES.tags)
  if (field === undefined) return undefined
  const { value } = field
  if (typeof value !== 'string' && !Array.isArray(value)) {
    throw invalidDraft('The field "tags" must be a list of words.', { line: field.line })
  }
  const isCategory = find(fields, ['tags', 'keywords']) === undefined
  const parts =
    typeof value === 'string'
      ? isCategory
        ? [value]
        : value.split(/[,;]/)
      : value.map((it: HeadValue) => textOnly(it, 'tags', field))
  const tags = [...new Set(parts.map((it) => it.trim()).filter((it) => it !== ''))]
  return tags.length === 0 ? undefined : tags
}

function textOnly(value: HeadValue, name: string, field: HeadField): string {
  if (typeof value === 'string') return value
  throw invalidDraft(`The field "${name}" must be a list of text.`, { line: field.line })
}

function authorsField(fields: Fields): Author[] | undefined {
  const field = find(fields, NAMES.authors)
  if (field === undefined) return undefined
  // "Doe, Jane" is one author; "Authors: Ann, Bo" are two.
  const isList = field === fields.get('authors')
  const { value } = field
  const parts: readonly HeadValue[] =
    typeof value === 'string'
      ? value.split(isList ? /[,;]/ : /;/).filter((it) => it.trim() !== '')
      : isMap(value)
        ? [value]
        : value
  const authors = parts.map((it) => authorFrom(it, field))
  return authors.length === 0 ? undefined : authors
}

function authorFrom(value: HeadValue, field: HeadField): Author {
  if (typeof value === 'string') {
    const [, name, address] = /^([^<]*)<([^<>]*)>$/.exec(value.trim()) ?? []
    if (name === undefined || address === undefined) return { name: value.trim() }
    // What is not a web address is most likely one for mail, which its owner may not want in public.
    const shown = name.trim() === '' ? address.trim() : name.trim()
    return /^https?:/i.test(address.trim()) ? { name: shown, url: address.trim() } : { name: shown }
  }
  const name = isMap(value) ? value.get('name') : undefined
  const url = isMap(value) ? value.get('url') : undefined
  if (typeof name !== 'string') {
    throw invalidDraft('The field "authors" must be names, or have a name each.', {
      line: field.line,
    })
  }
  return typeof url === 'string' && url.trim() !== ''
    ? { name: name.trim(), url: url.trim() }
    : { name: name.trim() }
}

function isMap(value: HeadValue): value is ReadonlyMap<string, HeadValue> {
  return value instanceof Map
}
