import { Option, type Command } from 'commander'
import { HyperletterError } from '../../../errors.ts'
import { collect, issueNumber } from '../../arguments.ts'
import { examples, type Bind } from '../../command.ts'
import { withOperations, type Context } from '../../context.ts'
import { plural, quoteTitle } from '../../terminal/format.ts'

interface Options {
  readonly read?: boolean
  readonly unread?: boolean
  readonly all?: boolean
}

export function register(program: Command, bind: Bind): void {
  program
    .command('mark')
    .description('Mark issues of a newsletter as read or unread.')
    .argument('<newsletter>', 'title, key, start of the key, or link')
    .argument('[number...]', 'numbers of the issues', collect(issueNumber))
    .option('--read', 'as read')
    .addOption(new Option('--unread', 'as unread').conflicts('read'))
    .option('--all', 'all issues, for instance of an archive just subscribed to')
    .addHelpText(
      'after',
      examples(
        'hyperletter mark "Tide Tables" --read --all',
        'hyperletter mark ybndrfg8 3 4 --unread',
      ),
    )
    .action(bind(mark))
}

async function mark(
  context: Context,
  newsletter: string,
  numbers: number[] | undefined,
  { read = false, unread = false, all = false }: Options,
): Promise<void> {
  const { io, out } = context
  if (read === unread) {
    throw new HyperletterError('INVALID_INPUT', 'Say --read or --unread.')
  }
  if (all === (numbers !== undefined && numbers.length > 0)) {
    throw new HyperletterError('INVALID_INPUT', 'Give numbers of issues, or --all.')
  }
  const wanted = all ? {} : { numbers: numbers ?? [] }
  const marked = await withOperations(context, (operations) =>
    operations.markIssues({ newsletter, ...wanted, read }, { signal: io.signal }),
  )
  const how = read ? 'read' : 'unread'
  const count = plural(marked.changed, 'issue')
  await out.result(marked, () => `Marked ${count} of ${quoteTitle(marked.newsletter)} as ${how}.\n`)
}
