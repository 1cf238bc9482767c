import { basename, dirname, resolve } from 'node:path'
import { defined } from '../../../defined.ts'
import { hasCode, HyperletterError } from '../../../errors.ts'
import type { Input, Operations, Output } from '../../../api/contract/contract.ts'
import { OWN_NEWSLETTER, wholeNumber } from '../../command.ts'
import { type Commands, type Context, withOperations } from '../../context.ts'
import { WITHHELD_KINDS, withheldByPath, type WithheldKind } from '../../../sources/unpublished.ts'
import { ask, canAsk, readDraft } from '../../input.ts'
import { formatBytes, plural, quoteTitle, shortKey } from '../../terminal/format.ts'
import { Progress } from '../../terminal/progress.ts'
import { formatTable } from '../../terminal/table.ts'

interface Options {
  readonly to?: string
  readonly waitCopies?: number
  readonly timeout?: number
  readonly keepLocation?: boolean
  readonly include?: WithheldKind[]
  readonly dryRun?: boolean
  readonly again?: boolean
  readonly force?: boolean
}

/** Of every command that publishes drafts. */
export const includeOption = [
  '--include <kinds>',
  `also publish: ${WITHHELD_KINDS.join(', ')}`,
  withheldKinds,
] as const

function withheldKinds(text: string): WithheldKind[] {
  return text.split(',').map((word) => {
    const kind = WITHHELD_KINDS.find((it) => it === word.trim())
    if (kind !== undefined) return kind
    throw new HyperletterError('INVALID_INPUT', `"${word.trim()}" is not left out by an import.`, {
      hint: `Name some of ${WITHHELD_KINDS.join(', ')}, with commas between them.`,
    })
  })
}

type Event = Output<'publishIssue'>
type Published = Extract<Event, { event: 'published' }>
type Warning = Extract<Event, { event: 'warning' }>['warning']

/** What came of it, also where waiting for copies ended early. */
interface Outcome {
  readonly published: Published
  readonly copies: number
  readonly warnings: readonly Warning[]
  readonly failure?: unknown
}

export const commands: Commands = {
  publish: (command, bind) =>
    command
      .more('Images that the text names become attachments.')
      .describeArgument('file', 'the Markdown file, or - for standard input')
      .option('--to <newsletter>', OWN_NEWSLETTER)
      .option('--wait-copies <n>', 'wait until n readers have it', wholeNumber(0, 1_000))
      .timeout('give up waiting for copies')
      .keepLocation()
      .option(...includeOption)
      .option('--dry-run', 'publish nothing; show what would be published')
      .option('--again', 'publish a second copy of what is an issue already')
      .force()
      .examples(
        'hyperletter publish spring-tides.md --dry-run',
        'hyperletter publish spring-tides.md',
        'hyperletter publish spring-tides.md --to "Tide Tables" --wait-copies 2 --timeout 60',
        'cat spring-tides.md | hyperletter publish -',
      )
      .action(bind(publish)),
}

async function publish(context: Context, file: string, given: Options): Promise<number | void> {
  const { out } = context
  const options = await askAboutPlace(context, file, given)
  if (options === undefined) {
    await out.note('Nothing was published.')
    return 1
  }
  const draft = await draftSource(context, file, options)
  if (options.dryRun === true) return rehearse(context, draft, options)
  const outcome = await withOperations(context, async (operations, host) => ({
    ...(await follow(context, operations, draft, options)),
    via: host,
  }))
  const { published, copies, warnings, failure, via } = outcome
  for (const it of warnings) await tellWarning(context, it)
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

/** Asks on a terminal whether to publish a file from a folder of drafts; the options with which to go on, if any. */
async function askAboutPlace(
  context: Context,
  file: string,
  options: Options,
): Promise<Options | undefined> {
  const { io, out } = context
  const path = resolve(io.cwd, file)
  const found = withheldByPath(`${basename(dirname(path))}/${basename(path)}`)
  if (file === '-' || found?.kind !== 'drafts' || options.dryRun === true) return options
  if (!canAsk(context) || options.include?.includes('drafts') === true) return options
  await out.note(`${file}: ${found.message}. A published issue cannot be withdrawn from everybody.`)
  const isMeant = /^y(?:es)?$/i.test((await ask(io, 'Publish it? (yes/no) ')) ?? '')
  return isMeant ? { ...options, include: [...(options.include ?? []), 'drafts'] } : undefined
}

const DATE_SOURCES = {
  head: 'its head',
  name: 'its name',
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
  const input = { draft, dryRun: true, ...defined({ newsletter: to, again }) }
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

/** The draft that a command names, or that comes by its standard input. */
export async function draftSource(
  context: Context,
  file: string,
  { keepLocation, include }: Pick<Options, 'keepLocation' | 'include'>,
): Promise<Input<'publishIssue'>['draft']> {
  const { cwd } = context.io
  const options = defined({ keepLocation, include })
  if (file !== '-') return { file: resolve(cwd, file), ...options }
  return { markdown: await readDraft(context), folder: cwd, ...options }
}

/** Tells what was found in a draft that was accepted all the same. */
export function tellWarning({ out }: Context, { message, line }: Warning): Promise<void> {
  return out.warn(line === undefined ? message : `line ${line}: ${message}`)
}

async function follow(
  context: Context,
  operations: Operations,
  draft: Input<'publishIssue'>['draft'],
  { to, waitCopies, timeout, again, force }: Options,
): Promise<Outcome> {
  using progress = new Progress(context, 'publishing')
  const warnings: Warning[] = []
  let published: Published | undefined
  let copies = 0
  try {
    const events = operations.publishIssue(
      {
        draft,
        ...defined({ newsletter: to, waitCopies, timeoutSeconds: timeout, again, force }),
      },
      { signal: context.io.signal },
    )
    for await (const event of events) {
      if (event.event === 'warning') warnings.push(event.warning)
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
