import { resolve, basename, dirname } from 'node:path'
import type { Output } from '../../../api/contract/contract.ts'
import { OWN_NEWSLETTER, ANY_NEWSLETTER } from '../../command.ts'
import { call, type Commands, type Context, finishOf, withOperations } from '../../context.ts'
import { readPhrase } from '../../input.ts'
import { plural, quoteTitle, shortKey } from '../../terminal/format.ts'
import { Progress } from '../../terminal/progress.ts'

interface RestoreOptions {
  readonly bundle?: string
  readonly timeout?: number
  readonly force?: boolean
}

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
      .timeout('give up looking for readers')
      .option('--force', 'accept the issues on this device without asking readers')
      .details(WHAT_RESTORE_DOES)
      .examples('hyperletter restore', 'hyperletter restore --bundle tides.bundle < words.txt')
      .action(bind(restore)),
  repair: (command, bind) =>
    command
      .describeArgument('newsletter', OWN_NEWSLETTER)
      .timeout('give up looking for readers')
      .details(WHAT_REPAIR_DOES)
      .examples('hyperletter repair "Tide Tables"')
      .action(bind(repair)),
  succeed: (command, bind) =>
    command
      .describeArgument('newsletter', `the newsletter that ends: ${ANY_NEWSLETTER}`)
      .requiredOption('--to <link>', 'the successor newsletter')
      .option('--file <path>', 'also write the signed statement to a file')
      .timeout('give up looking for the old newsletter')
      .details(WHAT_SUCCEED_DOES)
      .examples(
        'hyperletter succeed "Tide Tables" --to hyperletter://<new feed key>',
        'hyperletter succeed <old link> --to <new link> --file moved.txt < words.txt',
      )
      .action(bind(succeed)),
}

async function restore(context: Context, options: RestoreOptions): Promise<void> {
  const { io, out } = context
  const { bundle, timeout, force } = options
  const input = {
    recoveryPhrase: await readPhrase(context),
    ...(bundle !== undefined && { bundle: resolve(io.cwd, bundle) }),
    timeoutSeconds: timeout,
    force,
  }
  const finished = await withOperations(context, async (operations) => {
    using progress = new Progress(context, 'looking for readers')
    const events = operations.restoreNewsletter(input, { signal: io.signal })
    return await finishOf(events, ({ heldBlocks, length, peers }) => {
      const label = length === 0 ? 'looking for readers' : 'fetching'
      progress.update({ label, done: heldBlocks, total: length, note: plural(peers, 'peer') })
    })
  })
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

const WHAT_REPAIR_DOES = `
For an author whose device published from an old copy, so that two histories exist under one key. If
no reader has the issues of the old copy, this device discards them and continues from the history
of the readers; publish those issues again. If a reader has them, the histories cannot be merged:
create a new newsletter and name it with \`hyperletter succeed\`.
`

async function repair(
  context: Context,
  newsletter: string,
  { timeout }: { readonly timeout?: number },
): Promise<void> {
  const { out } = context
  const repaired = await call(context, 'repairNewsletter', { newsletter, timeoutSeconds: timeout })
  const { forked, feedKey, peers, removed } = repaired
  await out.result(repaired, () => {
    if (!forked) return `Nothing to repair: ${plural(peers, 'reader')} have the same history.\n`
    const lost = removed.map((it) => `  ${it.number}  ${quoteTitle(it.title)}\n`).join('')
    const head = `Repaired ${shortKey(feedKey)}: it continues from the history of ${plural(peers, 'reader')}.\n`
    return lost === '' ? head : `${head}Removed, because nobody else had them:\n${lost}`
  })
  if (removed.length > 0) await out.next('hyperletter publish <file.md>, for each of them')
}

interface SucceedOptions {
  readonly to: string
  readonly file?: string
  readonly timeout?: number
}

type Succeeded = Output<'succeedNewsletter'>

const WHAT_SUCCEED_DOES = `
Use it when a device with your signing key was stolen: create a new newsletter, then direct the readers
of the old one to it. The command asks for the 24 words of the old newsletter, or reads them from
standard input; a thief does not have them. Readers of a private newsletter also need the new link
from you: the signed statement contains no encryption key. A statement is permanent; a second one,
to another newsletter, replaces it.
`

async function succeed(
  context: Context,
  newsletter: string,
  options: SucceedOptions,
): Promise<void> {
  const { io, out } = context
  const { to, file, timeout } = options
  const recoveryPhrase = await readPhrase(context)
  const done = await call(context, 'succeedNewsletter', {
    newsletter,
    to,
    recoveryPhrase,
    timeoutSeconds: timeout,
  })
  const path = file === undefined ? undefined : await save(context, done, resolve(io.cwd, file))
  await out.result({ ...done, file: path }, () => {
    const where = path === undefined ? '' : `The statement is in ${path}.\n`
    const told =
      done.published === 'dht' ? 'Readers find it in the DHT.' : 'It is not announced yet.'
    return `${shortKey(done.from)} continues at ${shortKey(done.to)}. ${told}\n${where}`
  })
  if (done.published === 'dht') return
  await out.next(
    path === undefined
      ? 'Run it again while online, or with --file, and send the file to readers.'
      : `Run it again while online, or send the file to readers: hyperletter subscribe ${basename(path)}`,
  )
}

async function save({ io }: Context, { statement }: Succeeded, path: string): Promise<string> {
  const { writeFiles } = await import('../../files.ts')
  const files = [{ segments: [basename(path)], bytes: [Buffer.from(`${statement}\n`)] }]
  const [written = path] = await writeFiles(dirname(path), files, {
    force: true,
    signal: io.signal,
  })
  return written
}
