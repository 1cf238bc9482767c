import { InvalidArgumentError } from 'commander'
import { hasCode, HyperletterError } from '../../../errors.ts'
import type { Input, Operations, Output } from '../../../api/contract/contract.ts'
import { OWN_NEWSLETTER, wholeNumber } from '../../command.ts'
import { type Commands, type Context, loadConfig, withOperations } from '../../context.ts'
import { parseLocalDate } from '../../../sources/date.ts'
import { agrees, canAsk } from '../../input.ts'
import { draftSource, tellWarning, type SiteOptions } from './draft-input.ts'
import { localWords, plural, quoteTitle, shortKey } from '../../terminal/format.ts'
import { formatBytes } from '../../../render/plain.ts'
import { needsPager } from '../../terminal/programs.ts'
import { Progress } from '../../terminal/progress.ts'
import { formatTable } from '../../terminal/table.ts'

type Given = Pick<Input<'publishIssue'>, 'waitCopies' | 'at' | 'dryRun' | 'again' | 'force'>

interface Options extends SiteOptions, Given {
  readonly to?: string
  readonly timeout?: number
  readonly yes?: boolean
}

/** A local time: with a date, or the next one of this hour. @returns ISO 8601 in UTC */
function localTime(text: string): string {
  const [, hour, minute] = /^(\d{1,2}):(\d{2})$/.exec(text.trim()) ?? []
  const next = new Date()
  if (hour !== undefined) next.setHours(Number(hour), Number(minute), 0, 0)
  if (next.getTime() < Date.now() - 60_000) next.setDate(next.getDate() + 1)
  const time = hour === undefined ? parseLocalDate(text) : next.toISOString()
  if (time !== undefined) return time
  throw new InvalidArgumentError('Write it as "2027-01-05 08:00" or 08:00, in local time.')
}

type Event = Output<'publishIssue'>
type Scheduled = Extract<Event, { event: 'scheduled' }>
type Published = Extract<Event, { event: 'published' }>
type Warning = Extract<Event, { event: 'warning' }>['warning']

/** What came of it, also where waiting for copies ended early. */
interface Outcome {
  readonly published: Published
  readonly copies: number
  readonly warnings: readonly Warning[]
  readonly failure?: unknown
}

interface ScheduledOutcome {
  readonly scheduled: Scheduled
  readonly warnings: readonly Warning[]
}

export const commands: Commands = {
  publish: (command, bind) =>
    command
      .more(
        'Images that the text names become attachments. On a terminal, shows the issue and asks.',
      )
      .describeArgument('file', 'the Markdown file, or - for standard input')
      .option('--to <newsletter>', OWN_NEWSLETTER)
      .option('--wait-copies <n>', 'wait until n readers have it', wholeNumber(0, 1_000))
      .timeout('give up waiting for copies')
      .ofSite()
      .option(
        '--at <time>',
        'publish it then, by the daemon: "2027-01-05 08:00" or 08:00',
        localTime,
      )
      .option('--hold <time>', 'publish it after 60s or 5min; `cancel` takes it back meanwhile')
      .option('--dry-run', 'publish nothing; show what would be published')
      .option('--again', 'publish a second copy of what is an issue already')
      .option('--yes', 'ask nothing; publish also a duplicate, and what is dated in the future')
      .force()
      .examples(
        'hyperletter publish spring-tides.md --dry-run',
        'hyperletter publish spring-tides.md',
        'hyperletter publish spring-tides.md --to "Tide Tables" --wait-copies 2 --timeout 60',
        'hyperletter publish spring-tides.md --at "2027-01-05 08:00"',
        'hyperletter publish spring-tides.md --hold 60s',
        'cat spring-tides.md | hyperletter publish -',
      )
      .action(bind(publish)),
}

async function publish(context: Context, file: string, given: Options): Promise<number | void> {
  const { out } = context
  const isAsked = file !== '-' && canAsk(context) && given.yes !== true && given.dryRun !== true
  const options = isAsked
    ? await confirm(context, await draftSource(context, file, given), given)
    : given.yes === true
      ? { ...given, include: [...(given.include ?? []), 'scheduled' as const], again: true }
      : given
  if (options === undefined) {
    await out.note('Nothing was published.')
    return 1
  }
  const draft = await draftSource(context, file, options)
  if (options.dryRun === true) return rehearse(context, draft, options)
  const { hold } = await loadConfig(context)
  const outcome = await withOperations(
    context,
    async (operations, host) => {
      const done = await follow(context, operations, draft, { ...options, hold })
      if (!('scheduled' in done)) return { ...done, via: host }
      if (!isAsked) for (const it of done.warnings) await tellWarning(context, it)
      const { tellScheduled, publishAfterHold } = await import('./scheduled.ts')
      // Nobody else would publish it in time.
      const isHere = host === 'engine' && options.at === undefined && hold !== undefined
      if (isHere) await publishAfterHold(context, operations, done.scheduled)
      else await tellScheduled(context, done.scheduled, host)
      return undefined
    },
    { lend: Boolean(hold) },
  )
  if (outcome === undefined) return
  const { published, copies, warnings, failure, via } = outcome
  // The question has shown them.
  if (!isAsked) for (const it of warnings) await tellWarning(context, it)
  const { feedKey, number, title, publishedAt, attachments } = published
  await out.result({ feedKey, number, title, publishedAt, copies, attachments, warnings }, () => {
    const pictures = attachments > 0 ? ` with ${plural(attachments, 'attachment')}` : ''
    const held = copies > 0 ? `, held by ${plural(copies, 'peer')}` : ''
    return `Published issue ${number}, ${quoteTitle(title)}${pictures}${held}.\n`
  })
  if (failure !== undefined) throw explain(failure, number, copies, options)
  if (copies > 0) return
  await out.next(
    via === 'engine'
      ? 'Run `hyperletter daemon start` to serve it to readers.'
      : `The daemon serves it; \`hyperletter status\` shows which peers have ${shortKey(feedKey)}.`,
  )
}

/** Shows a draft on the terminal and asks whether to publish it; the options with which to go on, if so. */
async function confirm(
  context: Context,
  draft: Input<'publishIssue'>['draft'],
  options: Options,
): Promise<Options | undefined> {
  const { io, out, services } = context
  const { look, previewText, findingsText } = await import('./preview.ts')
  const input = { draft, newsletter: options.to, at: options.at }
  const preview = () =>
    withOperations(context, (operations) =>
      look(operations.previewDraft(input, { signal: io.signal })),
    )
  for (let shown = await preview(); ;) {
    const text = await previewText(context, shown)
    const isLong = needsPager(text, io.stderr)
    if (isLong && (await services.openPager(text, io.env)))
      await out.help(findingsText(context, shown))
    else await out.help(text)
    const { issue, findings, publishAt } = shown
    const include = findings.flatMap((it) => it.include ?? [])
    const isTwice = findings.some((it) => it.number !== undefined)
    const question =
      include.length > 0 || isTwice
        ? 'Publish it all the same?'
        : `Publish it${publishAt === undefined ? '' : ` ${localWords(publishAt)}`} as issue ${issue.number} of ${quoteTitle(issue.newsletter)}?`
    if (!(await agrees(io, question))) return undefined
    // What is signed is what was shown.
    const now = await preview()
    if (JSON.stringify(now) === JSON.stringify(shown)) {
      const again = options.again === true || isTwice
      return { ...options, include: [...(options.include ?? []), ...include], again }
    }
    await out.note('It changed meanwhile.')
    shown = now
  }
}

const DATE_SOURCES = {
  head: 'its head',
  name: 'its name',
  git: 'git',
  file: 'the time of the file',
  now: 'the clock',
} as const

/** Shows what would be published. */
async function rehearse(
  context: Context,
  draft: Input<'publishIssue'>['draft'],
  { to, again }: Options,
): Promise<void> {
  const { out } = context
  const input = { draft, dryRun: true, newsletter: to, again }
  const warnings: Warning[] = []
  let planned: Extract<Event, { event: 'planned' }> | undefined
  await withOperations(context, async (operations) => {
    for await (const it of operations.publishIssue(input, { signal: context.io.signal })) {
      if (it.event === 'warning') warnings.push(it.warning)
      else if (it.event === 'planned') planned = it
    }
  })
  if (planned === undefined) throw new HyperletterError('INTERNAL', 'Nothing was planned.')
  const { event: _event, ...issue } = planned
  for (const it of warnings) await tellWarning(context, it)
  await out.result({ ...issue, warnings }, async () => {
    const { number, title, publishedAt, dateFrom, attachments, sizeBytes } = issue
    const rows = [
      ['date', `${publishedAt.slice(0, 16).replace('T', ' ')} UTC, from ${DATE_SOURCES[dateFrom]}`],
      ['size', formatBytes(sizeBytes)],
      ...attachments.map((it) => ['attachment', `${it.name}, ${formatBytes(it.sizeBytes)}`]),
    ]
    const head = `Would publish ${quoteTitle(title)} as issue ${number}. Nothing was published.\n\n`
    return head + (await formatTable([{}, { shrink: true }], rows, { width: out.width }))
  })
}

async function follow(
  context: Context,
  operations: Operations,
  draft: Input<'publishIssue'>['draft'],
  {
    to,
    waitCopies,
    timeout,
    again,
    force,
    at,
    hold,
  }: Options & { readonly hold: number | undefined },
): Promise<Outcome | ScheduledOutcome> {
  using progress = new Progress(context, 'publishing')
  const warnings: Warning[] = []
  let published: Published | undefined
  let copies = 0
  try {
    const events = operations.publishIssue(
      {
        draft,
        newsletter: to,
        waitCopies,
        timeoutSeconds: timeout,
        again,
        force,
        at,
        ...(hold ? { holdSeconds: hold } : {}),
      },
      { signal: context.io.signal },
    )
    for await (const event of events) {
      if (event.event === 'warning') warnings.push(event.warning)
      else if (event.event === 'scheduled') return { scheduled: event, warnings }
      else if (event.event !== 'planned') copies = event.copies
      if (event.event === 'published') published = event
      const total = waitCopies ?? 0
      const peers = event.event === 'copies' ? event.peers : 0
      const note = `${plural(peers, 'peer')} connected`
      if (published && total > 0)
        progress.update({ label: 'waiting for copies', done: copies, total, note })
    }
  } catch (failure) {
    // The issue stays published, whatever ended the wait.
    if (published !== undefined) return { published, copies, warnings, failure }
    throw failure
  }
  if (published === undefined) {
    throw new HyperletterError('INTERNAL', 'Publishing ended without an issue.')
  }
  if (copies >= (waitCopies ?? 0)) return { published, copies, warnings }
  const failure = new HyperletterError('TIMEOUT', 'The wait for copies ended too early.')
  return { published, copies, warnings, failure }
}

function explain(failure: unknown, number: number, copies: number, { waitCopies }: Options) {
  if (!hasCode(failure, 'TIMEOUT', 'NOT_AVAILABLE')) return failure
  return new HyperletterError(
    failure.code,
    `Issue ${number} is published, but only ${copies} of ${waitCopies ?? 0} copies were made in time.`,
    {
      hint: 'Do not publish it again. Run `hyperletter daemon start` and leave this machine on; `hyperletter status` shows the copies.',
      cause: failure,
    },
  )
}
