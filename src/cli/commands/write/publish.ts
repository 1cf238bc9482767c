import { resolve } from 'node:path'
import { defined } from '../../../defined.ts'
import { hasCode, HyperletterError } from '../../../errors.ts'
import type { Input, Operations, Output } from '../../../api/contract/contract.ts'
import { copyCount, seconds } from '../../arguments.ts'
import { type Commands, type Context, withOperations } from '../../context.ts'
import { plural, quoteTitle, shortKey } from '../../terminal/format.ts'
import { Progress } from '../../terminal/progress.ts'

interface Options {
  readonly to?: string
  readonly waitCopies?: number
  readonly timeout?: number
  readonly keepLocation?: boolean
  readonly force?: boolean
}

/** Below the help of every command that publishes. */
export const WHAT_FORCE_DOES = `
A device that may lack issues first asks readers and fetches the missing ones. If nobody answers,
the command fails. --force publishes without asking: if a reader has issues that are missing here,
the newsletter forks, and readers refuse the new issues.
`

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
      .option('--to <newsletter>', 'one of yours: title, key or start of the key')
      .option('--wait-copies <n>', 'wait until n readers have it', copyCount)
      .option(
        '--timeout <seconds>',
        'give up waiting for copies after this number of seconds',
        seconds,
      )
      .option('--keep-location', 'keep the places where pictures were taken')
      .option(
        '--force',
        'publish without asking readers for missing issues; may fork the newsletter',
      )
      .details(WHAT_FORCE_DOES)
      .examples(
        'hyperletter publish spring-tides.md',
        'hyperletter publish spring-tides.md --to "Tide Tables" --wait-copies 2 --timeout 60',
        'cat spring-tides.md | hyperletter publish -',
      )
      .action(bind(publish)),
}

async function publish(context: Context, file: string, options: Options): Promise<void> {
  const { out } = context
  const draft = await draftSource(context, file, options)
  const outcome = await withOperations(context, async (operations, host) => ({
    ...(await follow(context, operations, draft, options)),
    via: host,
  }))
  const { published, copies, warnings, failure, via } = outcome
  for (const { message, line } of warnings) {
    await out.warn(line === undefined ? message : `line ${line}: ${message}`)
  }
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

/** The draft that a command names, or that comes by its standard input. */
export async function draftSource(
  context: Context,
  file: string,
  { keepLocation }: { readonly keepLocation?: boolean | undefined },
): Promise<Input<'publishIssue'>['draft']> {
  const { cwd } = context.io
  if (file !== '-') return { file: resolve(cwd, file), ...defined({ keepLocation }) }
  const { readDraft } = await import('../../input.ts')
  return { markdown: await readDraft(context), folder: cwd, ...defined({ keepLocation }) }
}

async function follow(
  context: Context,
  operations: Operations,
  draft: Input<'publishIssue'>['draft'],
  { to, waitCopies, timeout, force }: Options,
): Promise<Outcome> {
  using progress = new Progress(context, 'publishing')
  const warnings: Warning[] = []
  let published: Published | undefined
  let copies = 0
  try {
    const events = operations.publishIssue(
      {
        draft,
        ...defined({ newsletter: to, waitCopies, timeoutSeconds: timeout, force }),
      },
      { signal: context.io.signal },
    )
    for await (const event of events) {
      if (event.event === 'warning') warnings.push(event.warning)
      else copies = event.copies
      if (event.event === 'published') published = event
      const total = waitCopies ?? 0
      const peers = event.event === 'copies' ? event.peers : 0
      const note = `${plural(peers, 'peer')} connected`
      if (published && total > 0)
        progress.update({ label: 'waiting for copies', done: copies, total, note })
    }
  } catch (failure) {
    // What was published stays published, whatever ended the wait.
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
