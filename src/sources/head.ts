import { safeParse, type z } from 'zod'
import { defined } from '../defined.ts'
import { issueHeadFields } from '../format/records/bodies.ts'
import { languageTag, type NamedAuthor } from '../format/records/text.ts'
import { invalidDraft, type DraftWarning } from './source.ts'
import { withheldByHead, type Withheld, type WithheldKind } from './unpublished.ts'
import { parseDate } from './date.ts'
import type { FrontMatter, HeadField, HeadValue } from './front-matter.ts'

/** What a head says of an issue, each value within the limits of a record. */
export interface DraftHead {
  readonly title?: string
  readonly summary?: string
  readonly authors?: NamedAuthor[]
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
  date: [
    'date',
    'publishedat',
    'published',
    'pubdate',
    'publishdate',
    'publish_date',
    'published_at',
    'date_published',
    'publish',
    'created_at',
  ],
  summary: ['summary', 'description', 'subtitle', 'excerpt'],
  authors: ['authors', 'author'],
  tags: ['tags', 'keywords', 'categories'],
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

/** A head, and what of it an issue does not keep. */
export interface ReadHead {
  readonly head: DraftHead
  readonly warnings: readonly DraftWarning[]
  /** What it says against publishing, where that is included. */
  readonly withheld?: Withheld
}

export interface ReadHeadOptions {
  readonly now?: Date
  /** What is published although it is marked so. */
  readonly include?: ReadonlySet<WithheldKind> | undefined
}

/**
 * Reads the fields that an issue keeps; all others are ignored. A field that is not valid is left out or shortened,
 * with a warning: only a date that cannot be read refuses a draft, for it cannot be changed later.
 * @throws INVALID_DRAFT with the line if the date is none, or if the head says that the draft is not for everybody.
 */
export function readHead(
  fields: Fields,
  { now = new Date(), include = new Set() }: ReadHeadOptions = {},
): ReadHead {
  if (fields.size === 0) return { head: {}, warnings: [] }
  const withheld = withheldByHead(fields, now)
  if (withheld !== undefined && !include.has(withheld.kind)) {
    throw invalidDraft(withheld.message, {
      line: withheld.line,
      hint: `Change the head when it may be published, or add --include ${withheld.kind}.`,
    })
  }
  const warnings: DraftWarning[] = []
  const kept = <K extends keyof typeof schemas>(name: K, value: unknown) => {
    const { line } = find(fields, NAMES[name]) ?? {}
    const warn = (message: string) => void warnings.push({ message, ...defined({ line }) })
    return fitted(name, value, warn)
  }
  const language = textField(fields, 'language')?.replace(/\..*$/, '').replaceAll('_', '-')
  const head = defined({
    title: kept('title', textField(fields, 'title')),
    summary: kept('summary', textField(fields, 'summary')),
    authors: kept('authors', authorsField(fields)),
    tags: kept('tags', tagsField(fields)),
    language: kept('language', language),
    publishedAt: dateField(fields),
    declaredNumber: numberField(fields),
  })
  return { head, warnings, ...defined({ withheld }) }
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

/** A value within the limits of a record: shortened, or undefined if that is not enough; `warn` says so. None stays none. */
export function fitted<K extends keyof typeof schemas>(
  name: K,
  value: unknown,
  warn: (message: string) => void,
): z.output<(typeof schemas)[K]> | undefined {
  if (value === undefined) return undefined
  const schema: z.core.$ZodType = schemas[name]
  const complaint = complaintOf(schema, value)
  if (complaint === undefined) return value as z.output<(typeof schemas)[K]>
  const shorter = shortened(schema, value)
  const isUsable = shorter !== undefined && complaintOf(schema, shorter) === undefined
  warn(`The field "${name}" ${complaint}; it is ${isUsable ? 'shortened' : 'left out'}.`)
  return isUsable ? (shorter as z.output<(typeof schemas)[K]>) : undefined
}

// Text loses its line ends and its end; a list, its last items and those that are not valid by themselves.
function shortened(schema: z.core.$ZodType, value: unknown): unknown {
  if (Array.isArray(value)) {
    const valid = value.filter((it) => complaintOf(schema, [it]) === undefined)
    const { maximum } = (safeParse(schema, valid).error?.issues[0] ?? {}) as { maximum?: number }
    const most = valid.slice(0, maximum ?? valid.length)
    return most.length === 0 ? undefined : most
  }
  if (typeof value !== 'string') return undefined
  const line = value.replaceAll(/[\s\p{C}]+/gu, ' ').trim()
  const issue = safeParse(schema, line).error?.issues[0] as { maximum?: number } | undefined
  if (issue?.maximum === undefined) return line
  return `${line
    .slice(0, issue.maximum - 1)
    .toWellFormed()
    .trimEnd()}…`
}

function complaintOf(schema: z.core.$ZodType, value: unknown): string | undefined {
  const issue = safeParse(schema, value).error?.issues[0]
  if (issue === undefined) return undefined
  if (issue.code === 'too_big') return `is too long (at most ${issue.maximum})`
  const words = issue.message
  return words.startsWith('must') ? words : `is not valid: ${words}`
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
  return typeof field.value === 'string' ? trimmed(field.value) : undefined
}

function trimmed(text: string): string {
  return text.replaceAll('\r\n', '\n').trim()
}

function dateField(fields: Fields): string | undefined {
  // Some heads say `published: true`, which is no date and nothing to complain about.
  const names = NAMES.date.filter(
    (name) => !/^(?:true|yes|on|y|1|false|no|off|n|0)$/i.test(textIn(fields.get(name))),
  )
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

/** Tags under each of their names; `category` is one tag, spaces included. */
function tagsField(fields: Fields): string[] | undefined {
  const taxonomies = fields.get('taxonomies')?.value
  const lists = taxonomies !== undefined && isMap(taxonomies) ? [...taxonomies.values()] : []
  for (const name of NAMES.tags) lists.push(fields.get(name)?.value ?? '')
  const category = fields.get('category')?.value
  if (typeof category === 'string') lists.push([category])
  const tags = lists
    .flatMap((value) => {
      // Without a comma, Jekyll takes each word for a tag.
      if (typeof value === 'string')
        return isBlank(value) ? [] : value.split(/[,;]/.test(value) ? /[,;]/ : /\s+/)
      return isMap(value) ? [] : value.map((it) => nameIn(it) ?? '')
    })
    .map((it) => it.trim().replace(/^#(?=[^#])/, ''))
    .filter((it) => it !== '')
  return tags.length === 0 ? undefined : [...new Set(tags)]
}

/** Text, or what a map says by one of the names under which generators keep a name. */
function nameIn(value: HeadValue): string | undefined {
  if (typeof value === 'string') return value
  if (!isMap(value)) return undefined
  for (const key of [
    'name',
    'display_name',
    'displayname',
    'title',
    'label',
    'nick',
    'login',
    'github',
    'twitter',
  ]) {
    const text = value.get(key)
    if (typeof text === 'string' && text.trim() !== '') return text.trim()
  }
  return undefined
}

function authorsField(fields: Fields): NamedAuthor[] | undefined {
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
  const authors = parts.map(authorFrom).filter((it) => it !== undefined)
  return authors.length === 0 ? undefined : authors
}

function authorFrom(value: HeadValue): NamedAuthor | undefined {
  if (typeof value === 'string') {
    const [, name, address] = /^([^<]*)<([^<>]*)>$/.exec(value.trim()) ?? []
    if (name === undefined || address === undefined) return { name: value.trim() }
    // What is not a web address is most likely one for mail, which its owner may not want in public.
    const shown = name.trim() === '' ? address.trim() : name.trim()
    return /^https?:/i.test(address.trim()) ? { name: shown, url: address.trim() } : { name: shown }
  }
  const name = nameIn(value)
  if (name === undefined) return undefined
  const url = isMap(value) ? value.get('url') : undefined
  // A path leads nowhere outside of its site.
  return typeof url === 'string' && /^https?:/i.test(url.trim())
    ? { name, url: url.trim() }
    : { name }
}

function isMap(value: HeadValue): value is ReadonlyMap<string, HeadValue> {
  return value instanceof Map
}
