import type { Command } from 'commander'
import { defined } from '../../../defined.ts'
import { HyperletterError } from '../../../errors.ts'
import { issueNumber } from '../../arguments.ts'
import { examples, type Bind } from '../../command.ts'
import { withOperations, type Context } from '../../context.ts'
import { quoteTitle, shellWord } from '../../terminal/format.ts'
import { WHAT_FORCE_DOES } from './publish.ts'

interface Options {
  readonly reason?: string
  readonly force?: boolean
  readonly yes?: boolean
}

const WHAT_IT_DOES = `
Its text and attachments, of every edition, leave this machine and that of every reader and seeder
who follows the newsletter, as soon as they are online, and nobody of them passes them on. Number,
date, title and summary stay, and the issue is shown as retracted.

What cannot be undone: the retraction itself, and what others did with the text before. Who saved,
printed or copied it still has it. A seeder that only knows the key of a private newsletter, or
any plain Hypercore tool, cannot tell that something was retracted, and goes on keeping and
serving it. Bundles that were made before still carry it.
`

export function register(program: Command, bind: Bind): void {
  program
    .command('retract')
    .description('Take an issue back: readers drop its text and attachments.')
    .argument('<newsletter>', 'which of yours: title, key or start of the key')
    .argument('<number>', 'number of the issue', issueNumber)
    .option('--reason <text>', 'why; readers see it')
    .option('--yes', 'do not ask')
    .option('--force', 'publish though issues may be missing here and no reader can be asked')
    .addHelpText('after', WHAT_IT_DOES)
    .addHelpText('after', WHAT_FORCE_DOES)
    .addHelpText(
      'after',
      examples(
        'hyperletter retract "Tide Tables" 3 --reason "The figures were of another harbour."',
        'hyperletter retract ybndrfg8 3 --yes --json',
      ),
    )
    .action(bind(retract))
}

async function retract(
  context: Context,
  newsletter: string,
  number: number,
  { reason, yes = false, force }: Options,
): Promise<number | void> {
  const { io, out } = context
  if (!yes && !(await isConfirmed(context, newsletter, number))) {
    await out.note('Nothing was retracted.')
    return 1
  }
  const retracted = await withOperations(context, (operations) =>
    operations.retractIssue(
      {
        newsletter,
        number,
        ...defined({ reason, force }),
      },
      { signal: io.signal },
    ),
  )
  await out.result(
    retracted,
    () =>
      `Retracted issue ${number}, ${quoteTitle(retracted.title)}. Its text is gone from this machine.\n`,
  )
  await out.note('Who follows the newsletter drops it too; copies that others made elsewhere stay.')
  await out.next('Run `hyperletter daemon start` so that readers learn of it.')
}

async function isConfirmed(context: Context, newsletter: string, number: number): Promise<boolean> {
  const { io, out, options } = context
  if (io.stdin.isTTY !== true || io.stderr.isTTY !== true || options.json === true) {
    throw new HyperletterError('INVALID_INPUT', 'A retraction cannot be undone.', {
      hint: `If that is what you want: hyperletter retract ${shellWord(newsletter)} ${number} --yes`,
    })
  }
  const issues = await withOperations(context, (operations) =>
    operations.listIssues({ newsletter }, { signal: io.signal }),
  )
  const title = issues.find((it) => it.number === number)?.title
  if (title === undefined) {
    throw new HyperletterError('ISSUE_NOT_FOUND', `There is no issue ${number}.`)
  }
  await out.note(`This takes back issue ${number}, ${quoteTitle(title)}. It cannot be undone.`)
  await out.note(
    'Readers drop the text when they are next online. Who saved it still has it, and a',
  )
  await out.note('seeder that cannot read the newsletter goes on serving it.')
  const { ask } = await import('../../terminal/prompt.ts')
  const answer = await ask(io, `Type ${number} to retract it: `)
  return answer?.replace(/^#/, '') === String(number)
}
