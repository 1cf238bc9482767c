import { setTimeout as wait } from 'node:timers/promises'
import type { Operations, Output, Via } from '../../../api/contract/contract.ts'
import { defined } from '../../../defined.ts'
import { HyperletterError, invalidInput } from '../../../errors.ts'
import { singleLine } from '../../../render/plain.ts'
import { call, type Commands, type Context } from '../../context.ts'
import { formatDuration, localWords, quoteTitle } from '../../terminal/format.ts'
import { formatTable, shrinking } from '../../terminal/table.ts'

export const commands: Commands = {
  scheduled: (command, bind) =>
    command
      .more('Those that were published stay in the list for a week.')
      .examples('hyperletter scheduled', 'hyperletter scheduled --json')
      .action(bind(list)),
  cancel: (command, bind) =>
    command
      .more('Nothing of it was published. Without an argument: the only one that waits.')
      .describeArgument('draft', 'part of its title, or its id')
      .examples(
        'hyperletter cancel',
        'hyperletter cancel "Spring tides"',
        'hyperletter cancel 3f9a',
      )
      .action(bind(cancel)),
}

async function list(context: Context): Promise<void> {
  const { out } = context
  const all = await call(context, 'listScheduled', {})
  await out.result(all, () => {
    if (all.length === 0) return 'Nothing is scheduled.\n'
    const rows = all.map((it) => [it.id, localWords(it.at), singleLine(it.title), stateOf(it)])
    return formatTable([{}, {}, shrinking(), shrinking()], rows, out)
  })
}

async function cancel(context: Context, draft: string | undefined): Promise<void> {
  const taken = await call(context, 'cancelScheduled', defined({ draft }))
  const title = quoteTitle(taken.title)
  await context.out.result(taken, () => `Took back ${title}. It was not published.\n`)
}

function stateOf({ at, published, problem, newsletter }: Output<'listScheduled'>[number]): string {
  if (published !== undefined) return `published as issue ${published.number}`
  if (problem !== undefined) return singleLine(problem.message)
  const seconds = (Date.parse(at) - Date.now()) / 1_000
  return seconds > 0 ? `in ${formatDuration(seconds)}, ${quoteTitle(newsletter)}` : 'due'
}

export async function tellScheduled(
  { out }: Context,
  { event: _event, ...scheduled }: Waiting,
  via: Via,
): Promise<void> {
  const { title, at } = scheduled
  const seconds = (Date.parse(at) - Date.now()) / 1_000
  const when = seconds < 3_600 ? `in ${formatDuration(seconds)}` : `on ${localWords(at)}`
  await out.result(scheduled, () => `Will publish ${quoteTitle(title)} ${when}.\n`)
  await out.next(
    via === 'daemon'
      ? '`hyperletter cancel` takes it back until then.'
      : 'Run `hyperletter daemon start`: only a daemon publishes it then. `hyperletter cancel` takes it back.',
  )
}

type Waiting = Extract<Output<'publishIssue'>, { event: 'scheduled' }>

/**
 * Waits for the time of a draft in this process and publishes it; takes it back when the user interrupts.
 * @throws ABORTED
 */
export async function publishAfterHold(
  { io, out }: Context,
  operations: Operations,
  { id, at, title }: Waiting,
): Promise<void> {
  const seconds = Math.ceil((Date.parse(at) - Date.now()) / 1_000)
  await out.note(`${quoteTitle(title)} is published in ${formatDuration(seconds)}.`)
  await out.note('Ctrl-C takes it back, and so does `hyperletter cancel` in another terminal.')
  for (let left = 1; left > 0;) {
    left = Date.parse(at) - Date.now()
    const pauseMs = Math.max(0, Math.min(left, 1_000))
    await wait(pauseMs, undefined, { signal: io.signal }).catch(() => undefined)
    if (!io.signal.aborted) continue
    await operations.cancelScheduled({ draft: id })
    await out.note(`Took back ${quoteTitle(title)}. It was not published.`)
    throw new HyperletterError('ABORTED', 'Interrupted.')
  }
  await operations.publishScheduled({})
  const mine = (await operations.listScheduled({})).find((it) => it.id === id)
  if (mine?.problem !== undefined)
    throw invalidInput(mine.problem.message, {
      hint: 'It stays in `hyperletter scheduled`; a daemon tries it again.',
    })
  if (mine?.published === undefined) throw new HyperletterError('ABORTED', 'It was taken back.')
  const { published, feedKey, publishedAt, attachments } = mine
  const { number } = published
  await out.result(
    { feedKey, number, title, publishedAt, copies: 0, attachments, warnings: [] },
    () => `Published issue ${number}, ${quoteTitle(title)}.\n`,
  )
}
