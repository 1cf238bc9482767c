import { resolve } from 'node:path'
import { defined } from '../../../defined.ts'
import { HyperletterError } from '../../../errors.ts'
import { singleLine } from '../../../render/plain.ts'
import type { Operations, Output } from '../../../api/contract/contract.ts'
import { type Commands, type Context, withOperations } from '../../context.ts'
import { formatBytes, plural, quoteTitle } from '../../terminal/format.ts'
import { Progress } from '../../terminal/progress.ts'
import { formatTable } from '../../terminal/table.ts'
import { WITHHELD_KINDS, type WithheldKind } from '../../../sources/unpublished.ts'
import { WHAT_FORCE_DOES } from './publish.ts'

interface Options {
  readonly to?: string
  readonly match?: string
  readonly exclude?: string[]
  readonly include?: WithheldKind[]
  readonly keepLocation?: boolean
  readonly dryRun?: boolean
  readonly force?: boolean
}

type Event = Output<'importFolder'>
type Finished = Extract<Event, { event: 'finished' }>
type Skipped = Omit<Extract<Event, { event: 'skipped' }>, 'event'>
type Planned = Omit<Extract<Event, { event: 'planned' }>, 'event'>
type Warning = Omit<Extract<Event, { event: 'warning' }>, 'event'>

interface Outcome {
  readonly finished: Finished
  readonly planned: readonly Planned[]
  readonly skipped: readonly Skipped[]
  readonly warnings: readonly Warning[]
}

/** Longer lists of skipped files are shown by reason. */
const MAX_LISTED = 20

export const commands: Commands = {
  import: (command, bind) =>
    command
      .describeArgument('folder', 'folder to search, with its subfolders')
      .option('--to <newsletter>', 'one of yours: title, key or start of the key')
      .option('--match <glob>', 'only files whose path in the folder matches')
      .option('--exclude <glob>', 'not these files; may be given several times', collected)
      .option('--include <kinds>', `also publish: ${WITHHELD_KINDS.join(', ')}`, withheldKinds)
      .option('--keep-location', 'keep the places where pictures were taken')
      .option('--dry-run', 'publish nothing; show what would be published, in its order')
      .option(
        '--force',
        'publish without asking readers for missing issues; may fork the newsletter',
      )
      .details(
        `
Drafts, private, scheduled and expired texts, templates and site files are skipped and listed with
the reason. A published issue cannot be withdrawn from everybody.
${WHAT_FORCE_DOES}`,
      )
      .examples(
        'hyperletter import ~/letters --to "Tide Tables" --dry-run',
        'hyperletter import ~/letters --to "Tide Tables"',
        `hyperletter import ~/blog --match 'content/posts/**/*.md' --json`,
        `hyperletter import ~/letters --exclude '{notes,attic}/**'`,
      )
      .action(bind(importFolder)),
}

function collected(text: string, others: readonly string[] = []): string[] {
  return [...others, text]
}

function withheldKinds(text: string): WithheldKind[] {
  return text.split(',').map((word) => {
    const kind = WITHHELD_KINDS.find((it) => it === word.trim())
    if (kind !== undefined) return kind
    throw new HyperletterError('INVALID_INPUT', `"${word.trim()}" is not left out by an import.`, {
      hint: `Name some of ${WITHHELD_KINDS.join(', ')}, with commas between them.`,
    })
  })
}

async function importFolder(context: Context, folder: string, options: Options): Promise<void> {
  const { io, out } = context
  const { finished, planned, skipped, warnings } = await withOperations(context, (operations) =>
    follow(context, operations, resolve(io.cwd, folder), options),
  )
  const { feedKey, title, published } = finished
  const isRehearsal = options.dryRun === true
  const result = { feedKey, published, skipped, title, warnings }
  await out.result(isRehearsal ? { ...result, planned } : result, async () => {
    const head = isRehearsal
      ? await rehearsal(context, planned, title)
      : `Published ${plural(published, 'issue')} in ${quoteTitle(title)}.\n`
    if (skipped.length === 0) return head
    const list = skipped.length > MAX_LISTED ? byReason(skipped) : byFile(skipped)
    const table = await formatTable(list.columns, list.rows, {
      width: out.width,
      header: out.style.dim,
    })
    const posts = skipped.filter(({ file }) => MARKDOWN_FILE.test(file)).length
    const counts = [
      ...(posts > 0 ? [plural(posts, 'Markdown file')] : []),
      ...(posts < skipped.length ? [plural(skipped.length - posts, 'other file')] : []),
    ]
    return `${head}\nSkipped ${counts.join(' and ')}:\n\n${table}`
  })
  await tellWarnings(context, warnings)
  if (skipped.length > MAX_LISTED) await out.next('Run with --json to list every skipped file.')
  if (isRehearsal && planned.length > 0) {
    await out.next(
      'Run it without --dry-run to publish. A published issue cannot be withdrawn from everybody.',
    )
  }
  if (published === 0 && planned.length === 0 && skipped.length === 0) {
    await out.next('No file matched. Check the folder or --match.')
  }
}

async function follow(
  context: Context,
  operations: Operations,
  folder: string,
  { to, match, exclude, include, keepLocation, dryRun, force }: Options,
): Promise<Outcome> {
  using progress = new Progress(context, 'importing')
  const skipped: Skipped[] = []
  const planned: Planned[] = []
  const warnings: Warning[] = []
  const input = {
    folder,
    ...defined({ newsletter: to, match, exclude, include, keepLocation, dryRun, force }),
  }
  let finished: Finished | undefined
  for await (const event of operations.importFolder(input, { signal: context.io.signal })) {
    switch (event.event) {
      case 'progress':
        progress.update({ done: event.done, total: event.total, note: singleLine(event.file) })
        break
      case 'skipped': {
        const { file, code, message } = event
        skipped.push({ file, code, message })
        break
      }
      case 'planned': {
        const { event: _, ...it } = event
        planned.push(it)
        break
      }
      case 'warning': {
        const { file, warning } = event
        warnings.push({ file, warning })
        break
      }
      case 'finished':
        finished = event
    }
  }
  if (finished !== undefined) return { finished, planned, skipped, warnings }
  throw new HyperletterError('INTERNAL', 'The import ended without saying how.')
}

const DATE_SOURCES = { head: 'head', name: 'name', file: 'file time', now: 'now' } as const

async function rehearsal(
  { out }: Context,
  planned: readonly Planned[],
  title: string,
): Promise<string> {
  const sizeBytes = planned.reduce((sum, it) => sum + it.sizeBytes, 0)
  const many = `${plural(planned.length, 'issue')}, ${formatBytes(sizeBytes)}`
  const head = `Would publish ${many}, in ${quoteTitle(title)}. Nothing was published.\n`
  if (planned.length === 0) return head
  const columns = [
    { header: 'no.', align: 'right' as const },
    { header: 'date' },
    { header: 'from' },
    { header: 'pictures', align: 'right' as const },
    { header: 'size', align: 'right' as const },
    { header: 'title', shrink: true },
    { header: 'file', shrink: true },
  ]
  const rows = planned.map((it) => [
    String(it.number),
    it.publishedAt.slice(0, 10),
    DATE_SOURCES[it.dateFrom],
    String(it.attachments.length),
    formatBytes(it.sizeBytes),
    it.title,
    it.file,
  ])
  const table = await formatTable(columns, rows, { width: out.width, header: out.style.dim })
  return `${head}\n${table}`
}

function byFile(skipped: readonly Skipped[]) {
  const columns = [
    { header: 'file', shrink: true },
    { header: 'why', shrink: true },
  ]
  return { columns, rows: skipped.map(({ file, message }) => [file, message]) }
}

/** Posts that were refused come before pictures and other files. */
const MARKDOWN_FILE = /\.(?:md|markdown|mdown|mkdn?|mdwn)$/i

/** What differs from file to file in a reason. */
const PARTICULARS = /^Line \d+: | \([^)]*\)|"[^"]*"|^\S+(?= is about)/g

function byReason(skipped: readonly Skipped[]) {
  const reasons = new Map<string, Skipped[]>()
  for (const it of skipped) {
    const words = it.message.replaceAll(PARTICULARS, (found) => (found.startsWith('"') ? '…' : ''))
    const reason = `${it.code} ${words}`
    reasons.set(reason, [...(reasons.get(reason) ?? []), it])
  }
  const columns = [
    { header: 'files', align: 'right' as const },
    { header: 'why', shrink: true },
    { header: 'for example', shrink: true },
  ]
  const isPost = ([first]: readonly Skipped[]) => MARKDOWN_FILE.test(first?.file ?? '')
  const groups = [...reasons.values()].toSorted(
    (a, b) => Number(isPost(b)) - Number(isPost(a)) || b.length - a.length,
  )
  const rows = groups.map((its) => [String(its.length), its[0]?.message ?? '', its[0]?.file ?? ''])
  return { columns, rows }
}

async function tellWarnings({ out, options }: Context, warnings: readonly Warning[]) {
  if (warnings.length === 0) return
  if (options.verbose !== true) {
    const files = new Set(warnings.map(({ file }) => file)).size
    const many = `${plural(warnings.length, 'warning')} in ${plural(files, 'file')}`
    return out.warn(`${many}; list them with --verbose or --json.`)
  }
  for (const { file, warning } of warnings) {
    const place = warning.line === undefined ? file : `${file}:${warning.line}`
    await out.warn(`${place}: ${warning.message}`)
  }
}
