import type { Command } from 'commander'
import { issueNumber } from '../../arguments.ts'
import { examples, type Bind } from '../../command.ts'
import { withOperations, type Context } from '../../context.ts'
import { quoteTitle } from '../../terminal/format.ts'

interface Options {
  readonly remove?: boolean
}

export function register(program: Command, bind: Bind): void {
  program
    .command('star')
    .description('Keep an issue at hand: `hyperletter inbox --starred` lists it, read or not.')
    .argument('<newsletter>', 'title, key, start of the key, or link')
    .argument('<number>', 'number of the issue', issueNumber)
    .option('--remove', 'take the star away')
    .addHelpText(
      'after',
      examples('hyperletter star "Tide Tables" 3', 'hyperletter star ybndrfg8 3 --remove'),
    )
    .action(bind(star))
}

async function star(
  context: Context,
  newsletter: string,
  number: number,
  { remove = false }: Options,
): Promise<void> {
  const { io, out } = context
  const issue = await withOperations(context, (operations) =>
    operations.markIssue({ newsletter, number, starred: !remove }, { signal: io.signal }),
  )
  const done = remove ? 'No longer starred' : 'Starred'
  await out.result(issue, () => `${done}: ${quoteTitle(issue.title)}\n`)
  if (!remove) await out.next('hyperletter inbox --starred')
}
