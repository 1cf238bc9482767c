import type { Input, Operations, Output } from '../../../api/contract/contract.ts'
import { hasCode, HyperletterError } from '../../../errors.ts'
import { ANY_NEWSLETTER, wholeNumber } from '../../command.ts'
import {
  type Commands,
  type Context,
  noteSuccessors,
  withOperations,
  takeNotices,
} from '../../context.ts'
import { Progress } from '../../terminal/progress.ts'
import { resolve } from 'node:path'
import { nameOf, plural, formatDate, shortKey } from '../../terminal/format.ts'
import { formatTable, shrinking } from '../../terminal/table.ts'
import { singleLine } from '../../../render/plain.ts'
import { defined } from '../../../defined.ts'
import { anySignal } from '../../../async.ts'

type Newsletter = Output<'listNewsletters'>[number]
type Progressed = Output<'followSync'>

export const commands: Commands = {
  fetch: (command, bind) =>
    command
      .more('For scripts and cron: asks peers once, and ends with 3 if some could not be had.')
      .describeArgument('newsletter', `only this newsletter: ${ANY_NEWSLETTER}`)
      .timeout('give up a newsletter of which nothing arrives')
      .details('In a crontab, every morning at seven: 0 7 * * * hyperletter fetch --quiet')
      .examples('hyperletter fetch', 'hyperletter fetch "Tide Tables" --timeout 10 --json')
      .action(bind(fetchNew)),
  'import-opml': (command, bind) =>
    command
      .describeArgument('file', 'an OPML file, or - for standard input')
      .option('--no-wait', 'do not wait; the daemon fetches the issues')
      .examples(
        'hyperletter import-opml subscriptions.opml',
        'ssh other hyperletter web-feeds --opml | hyperletter import-opml -',
      )
      .action(bind(importOpml)),
  watch: (command, bind) =>
    command
      .more(
        'Runs until interrupted. Also reports amended and retracted issues, with the note of their author, and where a newsletter continues under a new key.',
      )
      .describeArgument('newsletter', `only this newsletter: ${ANY_NEWSLETTER}`)
      .option('--count <n>', 'stop after this number of issues', wholeNumber(1, 1_000_000))
      .examples(
        'hyperletter watch',
        'hyperletter watch --count 1 --json',
        'hyperletter watch "Tide Tables" --json | while read issue; do notify-send "$issue"; done',
      )
      .action(bind(watch)),
}

async function fetchNew(
  context: Context,
  reference: string | undefined,
  { timeout }: { readonly timeout?: number },
): Promise<void> {
  const { io, out } = context
  const { before, after, failures } = await withOperations(
    context,
    async (operations) => {
      const list = async () => {
        const all = await operations.listNewsletters({}, { signal: io.signal })
        return all.filter((it) => it.roles.includes('subscriber'))
      }
      const known = await list()
      const wanted = reference === undefined ? known : [await meant(known, reference)]
      const input = { refresh: true, timeoutSeconds: timeout }
      const failed = await fetchAll(context, operations, wanted, input)
      return { before: wanted, after: await list(), failures: failed }
    },
    { lend: true, online: true },
  )
  const newsletters = before.map((it) => {
    const { feedKey, title, issues } = after.find(({ feedKey: key }) => key === it.feedKey) ?? it
    const { code, message } = failures.get(feedKey) ?? {}
    const error = code === undefined ? undefined : { code, message }
    return { feedKey, title, error, issues, newIssues: issues - it.issues }
  })
  const fresh = newsletters.filter((it) => it.newIssues > 0)
  await out.result({ newsletters }, () =>
    fresh.map((it) => `${nameOf(it)}: ${plural(it.newIssues, 'new issue')}.\n`).join(''),
  )
  await noteSuccessors(context, after)
  if (failures.size > 0) throw incomplete(before, failures)
  if (fresh.length === 0) await out.note('Nothing new.')
}

async function meant(known: readonly Newsletter[], reference: string): Promise<Newsletter> {
  const { resolveEntry } = await import('../../../engine/library/entry.ts')
  return resolveEntry(known, reference)
}

/**
 * Downloads what is missing of newsletters. All at once: one that nobody has now must not keep the others waiting.
 * @returns why some are not complete, by feed key.
 */
export async function fetchAll(
  context: Context,
  operations: Operations,
  wanted: readonly { readonly feedKey: string }[],
  options: Omit<Input<'followSync'>, 'newsletter'> = {},
): Promise<Map<string, HyperletterError>> {
  using progress = new Progress(context, 'looking for peers')
  const { signal } = context.io
  const states = new Map<string, Progressed>()
  const failures = new Map<string, HyperletterError>()
  await Promise.all(
    wanted.map(async ({ feedKey }) => {
      try {
        const events = operations.followSync({ newsletter: feedKey, ...options }, { signal })
        for await (const event of events) {
          states.set(feedKey, event)
          progress.update(sum([...states.values()]))
        }
      } catch (error) {
        signal.throwIfAborted()
        failures.set(feedKey, HyperletterError.from(error))
      }
    }),
  )
  return failures
}

function sum(states: readonly Progressed[]) {
  const done = states.reduce((all, it) => all + it.heldBlocks, 0)
  const total = states.reduce((all, it) => all + it.length, 0)
  return { done, total, ...(total === 0 ? {} : { label: 'fetching blocks' }) }
}

/** One error for all: of the first failure that another try does not mend, or else of the first. */
function incomplete(
  wanted: readonly Newsletter[],
  failures: ReadonlyMap<string, HyperletterError>,
): HyperletterError {
  const all = [...failures.values()]
  const cause = all.find((it) => !hasCode(it, 'NOT_AVAILABLE', 'TIMEOUT')) ?? all[0]
  const names = wanted.filter((it) => failures.has(it.feedKey)).map(nameOf)
  const shown = names.length > 3 ? [...names.slice(0, 3), `${names.length - 3} more`] : names
  const message = `Not complete: ${shown.join(', ')}. ${cause?.message ?? ''}`.trim()
  return new HyperletterError(cause?.code ?? 'INTERNAL', message, { hint: cause?.hint, cause })
}

interface Options {
  readonly wait: boolean
}

async function importOpml(context: Context, file: string, { wait }: Options): Promise<void> {
  const { io, out } = context
  const { readList } = await import('../../input.ts')
  const opml = await readList(context, file === '-' ? undefined : resolve(io.cwd, file))
  const { imported, waiting, via } = await withOperations(context, async (operations, host) => {
    const done = await operations.importOpml({ opml }, { signal: io.signal })
    const fresh = done.subscribed.filter((it) => !it.already)
    const left = wait ? (await fetchAll(context, operations, fresh)).size : fresh.length
    return { imported: await named(operations, done), waiting: left, via: host }
  })
  await out.result(imported, () => describe(context, imported))
  if (waiting === 0) return
  const what = waiting === 1 ? 'One of them has' : `${waiting} of them have`
  if (wait) await out.note(`${what} yet to arrive; no peer with it was online.`)
  await out.next(
    via === 'daemon'
      ? 'The daemon fetches the rest; `hyperletter status` shows the progress.'
      : 'Run `hyperletter daemon start` to fetch the issues when peers appear.',
  )
}

// The titles arrive after the subscriptions have been recorded.
async function named(operations: Operations, { subscribed, skipped }: Output<'importOpml'>) {
  const known = await operations.listNewsletters({}).catch(() => [])
  return {
    subscribed: subscribed.map((it) => {
      const found = known.find(({ feedKey }) => feedKey === it.feedKey)
      const title = found?.title ?? it.title
      return { ...it, issues: found?.issues ?? 0, title }
    }),
    skipped,
  }
}

async function describe(
  { out }: Context,
  { subscribed, skipped }: Awaited<ReturnType<typeof named>>,
): Promise<string> {
  const fresh = subscribed.filter((it) => !it.already)
  const before = subscribed.length - fresh.length
  const lines = fresh.map(({ feedKey, title, issues }) => {
    const name = nameOf({ feedKey, title })
    return `Subscribed to ${name}${issues === 0 ? '' : `: ${plural(issues, 'issue')}`}.\n`
  })
  if (before > 0) lines.push(`${plural(before, 'newsletter')} followed already.\n`)
  if (subscribed.length === 0) lines.push('The list has no Hyperletter newsletter.\n')
  if (skipped.length === 0) return lines.join('')
  const table = await formatTable(
    [shrinking('what'), shrinking('address'), 'why'],
    skipped.map(({ title, url, message }) => [singleLine(title), singleLine(url), message]),
    out,
  )
  return `${lines.join('')}\nLeft out:\n\n${table}`
}

async function watch(
  context: Context,
  newsletter: string | undefined,
  { count = Infinity }: { readonly count?: number },
): Promise<void> {
  const { io, out } = context
  await out.note('Waiting for new issues; press Ctrl-C to stop.')
  using reader = out.watchReader()
  let isEnough = false
  await withOperations(
    context,
    async (operations, _via, ended) => {
      const signal = anySignal(io.signal, ended, reader.gone)
      try {
        isEnough = await printArrivals(context, operations, { newsletter, count, signal })
      } catch (error) {
        reader.gone.throwIfAborted()
        if (ended?.aborted !== true) throw error
      }
    },
    { lend: true, online: true },
  )
  // Otherwise it ends by an interruption alone, whichever way the operation reports it.
  if (!isEnough) io.signal.throwIfAborted()
}

/** @returns whether as many issues arrived as were asked for. */
async function printArrivals(
  context: Context,
  operations: Operations,
  {
    newsletter,
    count,
    signal,
  }: { newsletter: string | undefined; count: number; signal: AbortSignal },
): Promise<boolean> {
  const { out, options } = context
  let left = count
  await noteSuccessors(context, await takeNotices(context, operations))
  for await (const arrival of operations.watchIssues(defined({ newsletter }), { signal })) {
    if (options.json === true) await out.json(arrival)
    else await out.text(`${lineOf(context, arrival)}\n`)
    if ('event' in arrival && arrival.event === 'corrected') continue
    if ('event' in arrival) {
      // This one is printed; another one that came meanwhile is not.
      const notices = await takeNotices(context, operations)
      const others = notices.filter((it) => it.feedKey !== arrival.feedKey)
      await noteSuccessors(context, others)
    } else if (--left <= 0) return true
  }
  return false
}

function lineOf({ out }: Context, arrival: Output<'watchIssues'>): string {
  const { bold, cyan, dim } = out.style
  if ('event' in arrival && arrival.event === 'continues') {
    const { feedKey, title, successor } = arrival
    const name = cyan(title === undefined ? shortKey(feedKey) : singleLine(title))
    return `${name}  continues at ${bold(`hyperletter://${successor.feedKey}`)}`
  }
  const place = cyan(`${singleLine(arrival.newsletter)} #${arrival.number}`)
  const title = bold(singleLine(arrival.title))
  if (!('event' in arrival)) return `${place}  ${title}  ${dim(formatDate(arrival.publishedAt))}`
  const what = arrival.retractedAt === undefined ? 'corrected' : 'retracted'
  const note = arrival.note === undefined ? '' : `: ${singleLine(arrival.note)}`
  return `${place}  ${title}  ${what}${note}`
}
