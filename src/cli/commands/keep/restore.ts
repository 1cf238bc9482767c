import { resolve } from 'node:path'
import type { Command } from 'commander'
import { defined } from '../../../defined.ts'
import { HyperletterError } from '../../../errors.ts'
import type {
  Input,
  Operations,
  Output as OperationOutput,
} from '../../../api/contract/contract.ts'
import { seconds } from '../../arguments.ts'
import { examples, type Bind } from '../../command.ts'
import { withOperations, type Context } from '../../context.ts'
import { readPhrase } from '../../phrase.ts'
import { plural, quoteTitle, shortKey } from '../../terminal/format.ts'
import { Progress } from '../../terminal/progress.ts'

interface Options {
  readonly bundle?: string
  readonly timeout?: number
  readonly force?: boolean
}

type Event = OperationOutput<'restoreNewsletter'>
type Finished = Omit<Extract<Event, { event: 'finished' }>, 'event'>

const WHAT_IT_DOES = `
Asks for the 24 words that were shown when the newsletter was created, or reads them from standard
input. The keys come from the words; the issues come from readers who are online, or from a backup.
Both are needed: a device that does not have every issue would publish a second history, and readers
refuse that. Keep one device that publishes: use the words only after the old one is lost for good.

--force takes what is on this device for all there is, though nobody could be asked. If any reader
holds more, the next issue forks the newsletter, and readers will not take it.
`

export function register(program: Command, bind: Bind): void {
  program
    .command('restore')
    .description('Publish a newsletter from this device again, by its recovery phrase.')
    .option(
      '--bundle <file>',
      'take the issues from a backup made by `hyperletter export --bundle`',
    )
    .option('--timeout <seconds>', 'wait no longer than this for a reader', seconds)
    .option('--force', 'accept what is on this device though no reader can be asked')
    .addHelpText('after', WHAT_IT_DOES)
    .addHelpText(
      'after',
      examples('hyperletter restore', 'hyperletter restore --bundle tides.bundle < words.txt'),
    )
    .action(bind(restore))
}

async function restore(context: Context, options: Options): Promise<void> {
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
      'No reader was online to ask. If issues were published after what is here, the next one forks the newsletter: be sure, or publish only once a reader is online.',
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
