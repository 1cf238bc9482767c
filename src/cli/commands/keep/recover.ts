import { resolve } from 'node:path'
import type { Input, Operations, Output } from '../../../api/contract/contract.ts'
import { defined } from '../../../defined.ts'
import { HyperletterError } from '../../../errors.ts'
import { seconds } from '../../arguments.ts'
import { call, type Commands, type Context, withOperations } from '../../context.ts'
import { readPhrase } from '../../input.ts'
import { plural, quoteTitle, shortKey } from '../../terminal/format.ts'
import { Progress } from '../../terminal/progress.ts'

interface RestoreOptions {
  readonly bundle?: string
  readonly timeout?: number
  readonly force?: boolean
}

type Event = Output<'restoreNewsletter'>
type Finished = Omit<Extract<Event, { event: 'finished' }>, 'event'>

const WHAT_RESTORE_DOES = `
Asks for the 24 words that \`hyperletter create\` printed, or reads them from standard input. The words
give the keys; the issues come from readers who are online, or from a backup. Both are needed: a device
without every issue would publish a second history, which readers refuse. Publish from one device
only: use the words after the old device is lost for good.

--force accepts the issues on this device without asking readers. If a reader has more, the next issue
forks the newsletter, and readers refuse it.
`

export const commands: Commands = {
  restore: (command, bind) =>
    command
      .option('--bundle <file>', 'read issues from a backup made by `hyperletter export --bundle`')
      .option(
        '--timeout <seconds>',
        'give up looking for readers after this number of seconds',
        seconds,
      )
      .option('--force', 'accept the issues on this device without asking readers')
      .details(WHAT_RESTORE_DOES)
      .examples('hyperletter restore', 'hyperletter restore --bundle tides.bundle < words.txt')
      .action(bind(restore)),
  repair: (command, bind) =>
    command
      .describeArgument('newsletter', 'one of yours: title, key or start of the key')
      .option(
        '--timeout <seconds>',
        'give up looking for readers after this number of seconds',
        seconds,
      )
      .details(WHAT_REPAIR_DOES)
      .examples('hyperletter repair "Tide Tables"')
      .action(bind(repair)),
}

async function restore(context: Context, options: RestoreOptions): Promise<void> {
  const { io, out } = context
  const { bundle, timeout, force } = options
  const input = {
    recoveryPhrase: await readPhrase(context),
    ...(bundle !== undefined && { bundle: resolve(io.cwd, bundle) }),
    ...defined({ timeoutSeconds: timeout, force }),
  }
  const finished = await withOperations(context, (operations) => follow(context, operations, input))
  const { title, issues, link, peers, feedKey } = finished
  await out.result(finished, () => {
    const asked = peers === 0 ? '' : `, confirmed by ${plural(peers, 'reader')}`
    return `Restored ${quoteTitle(title)}: ${plural(issues, 'issue')}${asked}.\n  ${link}\n`
  })
  if (peers === 0) {
    await out.warn(
      'No reader was online. If issues are missing here, the next one forks the newsletter: publish only when a reader is online, or when you are sure.',
    )
  }
  await out.next(`hyperletter publish <file.md> --to ${shortKey(feedKey)}`)
}

async function follow(
  context: Context,
  operations: Operations,
  input: Input<'restoreNewsletter'>,
): Promise<Finished> {
  using progress = new Progress(context, 'looking for readers')
  for await (const it of operations.restoreNewsletter(input, { signal: context.io.signal })) {
    if (it.event === 'progress') {
      const { heldBlocks, length, peers } = it
      const label = length === 0 ? 'looking for readers' : 'fetching'
      progress.update({ label, done: heldBlocks, total: length, note: plural(peers, 'peer') })
    } else {
      const { event: _, ...finished } = it
      return finished
    }
  }
  throw new HyperletterError('INTERNAL', 'Restoring ended without saying how.')
}

interface RepairOptions {
  readonly timeout?: number
}

const WHAT_REPAIR_DOES = `
For an author whose device published from an old copy, so that two histories exist under one key. If
no reader has the issues of the old copy, this device discards them and continues from the history
of the readers; publish those issues again. If a reader has them, the histories cannot be merged:
create a new newsletter and name it with \`hyperletter succeed\`.
`

async function repair(context: Context, newsletter: string, options: RepairOptions): Promise<void> {
  const { out } = context
  const { timeout } = options
  const repaired = await call(context, 'repairNewsletter', {
    newsletter,
    ...defined({ timeoutSeconds: timeout }),
  })
  const { forked, feedKey, peers, removed } = repaired
  await out.result(repaired, () => {
    if (!forked) return `Nothing to repair: ${plural(peers, 'reader')} have the same history.\n`
    const lost = removed.map((it) => `  ${it.number}  ${quoteTitle(it.title)}\n`).join('')
    const head = `Repaired ${shortKey(feedKey)}: it continues from the history of ${plural(peers, 'reader')}.\n`
    return lost === '' ? head : `${head}Removed, because nobody else had them:\n${lost}`
  })
  if (removed.length > 0) await out.next('hyperletter publish <file.md>, for each of them')
}
