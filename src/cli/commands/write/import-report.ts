import type { Output } from '../../../api/contract/contract.ts'
import type { Context } from '../../context.ts'
import { plural, quoteTitle } from '../../terminal/format.ts'
import { formatBytes } from '../../../render/plain.ts'
import { formatTable, right, shrinking } from '../../terminal/table.ts'

type Event = Output<'importFolder'>
type Of<K extends Event['event']> = Omit<Extract<Event, { event: K }>, 'event'>

export interface Outcome {
  readonly finished: Of<'finished'>
  readonly planned: readonly Of<'planned'>[]
  readonly amended: readonly Of<'amended'>[]
  readonly skipped: readonly Of<'skipped'>[]
  readonly warnings: readonly Of<'warning'>[]
}

interface Remark {
  readonly file: string
  readonly code?: string
  readonly message: string
}

/** Longer lists are shown by reason. */
const MAX_LISTED = 20

const DATE_SOURCES = {
  head: 'head',
  name: 'name',
  git: 'git',
  file: 'file time',
  now: 'now',
} as const

/** What was published and what was not, posts that were refused first. */
export async function importReport(context: Context, outcome: Outcome): Promise<string> {
  const { published, amended = 0, title } = outcome.finished
  const more = amended > 0 ? ` and amended ${plural(amended, 'issue')}` : ''
  const head = `Published ${plural(published, 'issue')}${more} in ${quoteTitle(title)}.\n`
  return sections(head, await skippedLists(context, outcome))
}

/** What an import would publish: its issues in their order, and everything to know before they are signed. */
export async function rehearsalReport(context: Context, outcome: Outcome): Promise<string> {
  const { planned, warnings, finished } = outcome
  const amendments = planned.filter(({ amends }) => amends === true).length
  const sizeBytes = planned.reduce((sum, it) => sum + it.sizeBytes, 0)
  const issues = plural(planned.length - amendments, 'issue')
  const more = amendments > 0 ? ` and amend ${plural(amendments, 'issue')}` : ''
  const what = `${issues}${more}, ${formatBytes(sizeBytes)}, in ${quoteTitle(finished.title)}`
  const [refused = '', ...others] = await skippedLists(context, outcome)
  return sections(`Would publish ${what}. Nothing was published.\n`, [
    refused,
    planned.length === 0 ? '' : await plannedTable(context, outcome),
    undatedNote(planned),
    await list(context, `${plural(warnings.length, 'warning')}:`, warnings.map(remarkOf)),
    ...others,
  ])
}

export function warningLine(warning: Of<'warning'>): string {
  const { file, message } = remarkOf(warning)
  return `${file}: ${message}`
}

function remarkOf({ file, warning: { message, line } }: Of<'warning'>): Remark {
  return { file: line === undefined ? file : `${file}:${line}`, message }
}

function sections(head: string, parts: readonly string[]): string {
  return [head, ...parts.filter((it) => it !== '')].join('\n')
}

async function skippedLists(context: Context, { skipped }: Outcome): Promise<string[]> {
  const posts = skipped.filter(({ other }) => other !== true)
  const known = posts.filter(isKnown)
  const refused = posts.filter((it) => !isKnown(it))
  const others = skipped.filter(({ other }) => other === true)
  return [
    await list(context, `${plural(refused.length, 'post')} refused:`, refused),
    await list(context, `${plural(known.length, 'post')} published before:`, known),
    await list(context, `${plural(others.length, 'other file')} skipped:`, others),
  ]
}

/** Whether a post is skipped because it is an issue already. */
export function isKnown({ code }: Pick<Of<'skipped'>, 'code'>): boolean {
  return code === 'INVALID_INPUT'
}

async function plannedTable({ out }: Context, { planned, warnings }: Outcome): Promise<string> {
  const missing = new Map<string, number>()
  for (const { file, warning } of warnings) {
    if (warning.message.includes('is missing:')) missing.set(file, (missing.get(file) ?? 0) + 1)
  }
  const columns = [
    right('no.'),
    'date',
    'from',
    right('pictures'),
    right('size'),
    shrinking('title'),
    shrinking('file'),
  ]
  const rows = planned.map((it) => [
    it.amends === true ? `amends ${it.number}` : String(it.number),
    it.publishedAt.slice(0, 10),
    DATE_SOURCES[it.dateFrom],
    `${it.attachments.length}${missing.has(it.file) ? `, ${missing.get(it.file)} missing` : ''}`,
    formatBytes(it.sizeBytes),
    it.title,
    it.file,
  ])
  return formatTable(columns, rows, out)
}

function undatedNote(planned: Outcome['planned']): string {
  const undated = planned.filter(({ dateFrom }) => dateFrom === 'file').length
  if (undated === 0) return ''
  const these =
    undated === 1 ? '1 post has no date: it comes' : `${undated} posts have no date: they come`
  return `${these} last, by name, with the time of the file.
--undated git takes the date of the commit that added each, --undated skip leaves them out.
`
}

async function list({ out }: Context, title: string, remarks: readonly Remark[]): Promise<string> {
  if (remarks.length === 0) return ''
  const { columns, rows } = remarks.length > MAX_LISTED ? byReason(remarks) : byFile(remarks)
  const table = await formatTable(columns, rows, out)
  return `${title}\n\n${table}`
}

function byFile(remarks: readonly Remark[]) {
  const columns = [shrinking('file'), shrinking('why')]
  return { columns, rows: remarks.map(({ file, message }) => [file, message]) }
}

/** What differs from file to file in a reason. */
const PARTICULARS = /^Line \d+: | \([^)]*\)|"[^"]*"|^\S+(?= is about)|\d+/g

function byReason(remarks: readonly Remark[]) {
  const reasons = new Map<string, { readonly first: Remark; count: number }>()
  for (const it of remarks) {
    const reason = `${it.code} ${it.message.replaceAll(PARTICULARS, '')}`
    const known = reasons.get(reason)
    if (known === undefined) reasons.set(reason, { first: it, count: 1 })
    else known.count++
  }
  const columns = [right('files'), shrinking('why'), shrinking('for example')]
  const groups = [...reasons.values()].toSorted((a, b) => b.count - a.count)
  const rows = groups.map(({ first, count }) => [String(count), first.message, first.file])
  return { columns, rows }
}
