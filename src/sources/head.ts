import { safeParse, type z } from 'zod'
import { defined } from '../defined.ts'
import { issueHeadFields } from '../format/records/bodies.ts'
import { languageTag } from '../format/records/text.ts'
import {
  invalidDraft,
  printable,
  type Draft,
  type DraftWarning,
  type Withheld,
  type WithheldKind,
} from './source.ts'
import {
  AUTHOR_NAMES,
  authorsField,
  TAG_NAMES,
  tagsField,
  findField,
  isBlank,
} from './head-fields.ts'
import { DATES, dateIn, isWithheldTag, withheldByHead } from './unpublished.ts'
import { parseDate, parseMonth } from './date.ts'
import {
  namedFields,
  type FrontMatter,
  type HeadField,
  type HeadValue,
  type NamedFields,
} from './front-matter.ts'

/** What a head says of an issue, each value within the limits of a record. */
export type DraftHead = Partial<
  Pick<
    Draft,
    'title' | 'summary' | 'authors' | 'tags' | 'language' | 'publishedAt' | 'declaredNumber'
  >
>

type Fields = NamedFields

/**
 * The head of a Markdown file, with the blank line that belongs to it: read again, it says the same. Texts are quoted as
 * in JSON, which is YAML, too.
 */
export function writeHead({
  title,
  publishedAt,
  summary,
  authors,
  tags,
  language,
  number,
}: {
  readonly [Name in Exclude<keyof DraftHead, 'declaredNumber'>]?: DraftHead[Name] | undefined
} & { readonly number: number }): string {
  const fields = { title, summary, authors, tags, language }
  const lines = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}: ${JSON.stringify(value)}\n`)
  // Or what reads it would take it for a draft.
  if (tags?.some(isWithheldTag) === true) lines.push('published: true\n')
  return `---\n${lines.join('')}date: ${publishedAt}\nnumber: ${number}\n---\n\n`
}

/** Layouts and types that site generators have for what is no post. */
const PAGE =
  /^(?:(?:static|single)?[-_ ]?pages?|about|archives?|contact|search|home|index|splash)$/i

/** The names that each field goes by, the preferred one first. */
const NAMES = {
  title: ['title'],
  summary: ['summary', 'description', 'subtitle', 'excerpt', 'abstract', 'lede', 'standfirst'],
  language: ['language', 'lang', 'locale'],
  number: ['number', 'issue'],
  authors: AUTHOR_NAMES,
  tags: TAG_NAMES,
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
  /** It calls the text a page of a site. */
  readonly isPage?: true
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
export function readHead(written: FrontMatter['fields'], options: ReadHeadOptions = {}): ReadHead {
  const { now = new Date(), include = new Set() } = options
  if (written.size === 0) return { head: {}, warnings: [] }
  const fields = namedFields(written)
  const withheld = withheldByHead(fields, now)
  if (withheld !== undefined && !include.has(withheld.kind)) {
    throw invalidDraft(withheld.message, {
      line: withheld.line,
      hint: `Change the head when it may be published, or add --include ${withheld.kind}.`,
    })
  }
  const warnings: DraftWarning[] = []
  const kept = <K extends keyof typeof schemas>(name: K, value: unknown) => {
    const { line } = findField(fields, NAMES[name]) ?? {}
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
    publishedAt: dateField(fields, warnings),
    declaredNumber: numberField(fields),
  })
  const isPage = ['layout', 'type', 'kind'].some((it) => PAGE.test(textIn(fields.get(it))))
  return { head, warnings, ...(isPage ? { isPage } : {}), ...defined({ withheld }) }
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

function textField(fields: Fields, name: 'title' | 'summary' | 'language'): string | undefined {
  const field = findField(fields, NAMES[name])
  if (field === undefined) return undefined
  return typeof field.value === 'string' ? trimmed(field.value) : undefined
}

function trimmed(text: string): string {
  return text.replaceAll('\r\n', '\n').trim()
}

/** `publish: later` */
const NOT_YET = /^\p{L}[\p{L} ]*$/u
/** What Eleventy dates by the file or by git. */
const DATED_ELSEWHERE = /^(?:git )?(?:created|last modified)$/i

function dateField(fields: Fields, warnings: DraftWarning[]): string | undefined {
  for (const name of DATES) {
    const field = fields.get(name)
    const value = field && dateIn(field)
    // Some heads say `published: true`, which is no date and nothing to complain about.
    if (field === undefined || value === undefined || isBlank(value) || isSwitch(value)) continue
    const text = typeof value === 'string' ? value.trim() : undefined
    const date = text === undefined ? undefined : parseDate(text)
    if (date !== undefined) return date
    const month = text === undefined ? undefined : parseMonth(text)
    if (month !== undefined) {
      const message = `The date says no day; ${month.slice(0, 10)} counts.`
      warnings.push({ message, line: field.line })
      return month
    }
    // A date of creation is a guess: one that cannot be read is none.
    if (/^(?:created|date.)/.test(name) || DATED_ELSEWHERE.test(text ?? '')) continue
    if (/^publish(?:ed)?$/.test(name) && NOT_YET.test(text ?? '')) continue
    const words = text === undefined ? 'the field' : `"${printable(trimmed(text))}"`
    throw invalidDraft(`The date is not valid: ${words} is not a day and time of the calendar.`, {
      line: field.line,
      hint: 'Write it as 2026-03-01 or 2026-03-01T09:30:00Z.',
    })
  }
  return undefined
}

function isSwitch(value: HeadValue): boolean {
  return typeof value === 'string' && /^(?:true|yes|on|y|1|false|no|off|n|0)$/i.test(value.trim())
}

function textIn(field: HeadField | undefined): string {
  return typeof field?.value === 'string' ? field.value.trim() : ''
}

function numberField(fields: Fields): number | undefined {
  const text = textIn(findField(fields, NAMES.number)).replace(/^#/, '')
  return /^\d{1,9}$/.test(text) && Number(text) > 0 ? Number(text) : undefined
}
