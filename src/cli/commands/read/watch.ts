import type { Operations, Output as OperationOutput } from '../../../api/contract/contract.ts'
import { singleLine } from '../../../render/plain.ts'
import { anySignal } from '../../../within.ts'
import { type Commands, type Context, withOperations } from '../../context.ts'
import { noteSuccessors, takeNotices } from '../../successors.ts'
import { formatDate, shortKey } from '../../terminal/format.ts'

export const commands: Commands = {
  watch: (command, bind) =>
    command
      .more('Runs until interrupted. Also reports where a newsletter continues under a new key.')
      .describeArgument('newsletter', 'only of this one: title, key, start of the key, or link')
      .examples(
        'hyperletter watch',
        'hyperletter watch "Tide Tables" --json | while read issue; do notify-send "$issue"; done',
      )
      .action(bind(watch)),
}

async function watch(context: Context, newsletter: string | undefined): Promise<void> {
  const { io, out } = context
  await out.note('Waiting for new issues; Ctrl-C ends it.')
  await withOperations(
    context,
    async (operations, _via, ended) => {
      const signal = anySignal(io.signal, ended)
      try {
        await tellArrivals(context, operations, newsletter, signal)
      } catch (error) {
        if (ended?.aborted !== true) throw error
      }
    },
    { lend: true, online: true },
  )
  // It has no other end than an interruption, whichever way the operation tells of it.
  io.signal.throwIfAborted()
}

async function tellArrivals(
  context: Context,
  operations: Operations,
  newsletter: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  const { out, options } = context
  const input = newsletter === undefined ? {} : { newsletter }
  await noteSuccessors(context, await takeNotices(context, operations))
  for await (const arrival of operations.watchIssues(input, { signal })) {
    if (options.json === true) await out.json(arrival)
    else await out.text(`${lineOf(context, arrival)}\n`)
    if ('event' in arrival) {
      // It was told by this; another one that came meanwhile was not.
      const notices = await takeNotices(context, operations)
      await noteSuccessors(
        context,
        notices.filter((it) => it.feedKey !== arrival.feedKey),
      )
    }
  }
}

function lineOf({ out }: Context, arrival: OperationOutput<'watchIssues'>): string {
  const { bold, cyan, dim } = out.style
  if ('event' in arrival) {
    const { feedKey, title, successor } = arrival
    const name = cyan(title === undefined ? shortKey(feedKey) : singleLine(title))
    return `${name}  continues at ${bold(`hyperletter://${successor.feedKey}`)}`
  }
  const place = cyan(`${singleLine(arrival.newsletter)} #${arrival.number}`)
  return `${place}  ${bold(singleLine(arrival.title))}  ${dim(formatDate(arrival.publishedAt))}`
}
