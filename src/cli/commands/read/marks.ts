import { Option } from 'commander'
import { invalidInput } from '../../../errors.ts'
import { collect, issueNumber } from '../../command.ts'
import { call, type Commands, type Context } from '../../context.ts'
import { plural, quoteTitle } from '../../terminal/format.ts'

export const commands: Commands = {
  mark: (command, bind) =>
    command
      .describeArgument('number', 'issue numbers', collect(issueNumber))
      .option('--read', 'mark as read')
      .addOption(new Option('--unread', 'mark as unread').conflicts('read'))
      .option('--all', 'all issues of the newsletter')
      .examples(
        'hyperletter mark "Tide Tables" --read --all',
        'hyperletter mark ybndrfg8 3 4 --unread',
      )
      .action(bind(mark)),
  star: (command, bind) =>
    command
      .more('`hyperletter inbox --starred` lists starred issues.')
      .option('--remove', 'remove the star')
      .examples('hyperletter star "Tide Tables" 3', 'hyperletter star ybndrfg8 3 --remove')
      .action(bind(star)),
}

interface MarkOptions {
  readonly read?: boolean
  readonly unread?: boolean
  readonly all?: boolean
}

async function mark(
  context: Context,
  newsletter: string,
  numbers: number[] | undefined,
  { read = false, unread = false, all = false }: MarkOptions,
): Promise<void> {
  const { out } = context
  if (read === unread) throw invalidInput('Choose --read or --unread.')
  if (all === (numbers !== undefined && numbers.length > 0)) {
    throw invalidInput('Give issue numbers, or --all.')
  }
  const wanted = all ? {} : { numbers: numbers ?? [] }
  const marked = await call(context, 'markIssues', { newsletter, ...wanted, read })
  const how = read ? 'read' : 'unread'
  const count = plural(marked.changed, 'issue')
  await out.result(marked, () => `Marked ${count} of ${quoteTitle(marked.newsletter)} as ${how}.\n`)
}

async function star(
  context: Context,
  newsletter: string,
  number: number,
  { remove = false }: { readonly remove?: boolean },
): Promise<void> {
  const { out } = context
  const issue = await call(context, 'markIssue', { newsletter, number, starred: !remove })
  const done = remove ? 'No longer starred' : 'Starred'
  await out.result(issue, () => `${done}: ${quoteTitle(issue.title)}\n`)
  if (!remove) await out.next('hyperletter inbox --starred')
}
