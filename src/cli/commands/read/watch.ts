import type { Operations, Output } from '../../../api/contract/contract.ts'
import { singleLine } from '../../../render/plain.ts'
import { defined } from '../../../defined.ts'
import { anySignal } from '../../../async.ts'
import {
  type Commands,
  type Context,
  withOperations,
  noteSuccessors,
  takeNotices,
} from '../../context.ts'
import { wholeNumber, ANY_NEWSLETTER } from '../../command.ts'
import { formatDate, shortKey } from '../../terminal/format.ts'

export const commands: Commands = {
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
      await noteSuccessors(
        context,
        notices.filter((it) => it.feedKey !== arrival.feedKey),
      )
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
