import type { Command } from 'commander'
import { defined } from '../../../defined.ts'
import { seconds } from '../../arguments.ts'
import { examples, type Bind } from '../../command.ts'
import { withOperations, type Context } from '../../context.ts'
import { plural, quoteTitle, shortKey } from '../../terminal/format.ts'

interface Options {
  readonly timeout?: number
}

const WHAT_IT_DOES = `
For the author whose device published from an old copy, so that two histories exist under one key.
Where nobody took what that copy published, this device gives it up and goes on from what readers
hold; publish those issues again. Where a reader did take it, nobody can join the two: readers keep
and read what they hold; create a new newsletter and name it with \`hyperletter succeed\`.
`

export function register(program: Command, bind: Bind): void {
  program
    .command('repair')
    .description('Go back to the history that readers hold, after publishing from an old copy.')
    .argument('<newsletter>', 'one of yours: title, key or start of the key')
    .option('--timeout <seconds>', 'wait no longer than this for a reader', seconds)
    .addHelpText('after', WHAT_IT_DOES)
    .addHelpText('after', examples('hyperletter repair "Tide Tables"'))
    .action(bind(repair))
}

async function repair(context: Context, newsletter: string, options: Options): Promise<void> {
  const { io, out } = context
  const { timeout } = options
  const repaired = await withOperations(context, (operations) =>
    operations.repairNewsletter(
      { newsletter, ...defined({ timeoutSeconds: timeout }) },
      { signal: io.signal },
    ),
  )
  const { forked, feedKey, peers, removed } = repaired
  await out.result(repaired, () => {
    if (!forked) return `Nothing to repair: ${plural(peers, 'reader')} hold the same history.\n`
    const lost = removed.map((it) => `  ${it.number}  ${quoteTitle(it.title)}\n`).join('')
    const head = `Repaired ${shortKey(feedKey)}: it goes on from what ${plural(peers, 'reader')} hold.\n`
    return lost === '' ? head : `${head}Taken back, for nobody else had them:\n${lost}`
  })
  if (removed.length > 0) await out.next('hyperletter publish <file.md>, for each of them')
}
