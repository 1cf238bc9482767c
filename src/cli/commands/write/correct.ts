import type { Input } from '../../../api/contract/contract.ts'
import { HyperletterError, invalidInput } from '../../../errors.ts'
import { OWN_NEWSLETTER } from '../../command.ts'
import { call, type Commands, type Context } from '../../context.ts'
import { plural, quoteTitle, shellWord } from '../../terminal/format.ts'
import { draftSource, tellWarning, type SiteOptions } from './draft-input.ts'

type AmendOptions = SiteOptions & Pick<Input<'amendIssue'>, 'note' | 'force'>

const WHAT_AMEND_DOES = `
The issue keeps its number and date. Readers see the newest text, marked as amended, and can view
the changes. An amendment is permanent: the earlier text stays in the signed log. To withdraw an
issue, use \`hyperletter retract\`.
`

export const commands: Commands = {
  amend: (command, bind) =>
    command
      .more('Images that the text names become attachments.')
      .describeArgument('newsletter', OWN_NEWSLETTER)
      .describeArgument('file', 'the Markdown file, or - for standard input')
      .option('--note <text>', 'what changed and why; shown to readers')
      .ofSite()
      .details(WHAT_AMEND_DOES)
      .force()
      .examples(
        'hyperletter amend "Tide Tables" 3 spring-tides.md --note "High water is at 14:10."',
        `sed 's/12:10/14:10/' spring-tides.md | hyperletter amend "Tide Tables" 3 - --json`,
      )
      .action(bind(amend)),
  retract: (command, bind) =>
    command
      .describeArgument('newsletter', OWN_NEWSLETTER)
      .option('--reason <text>', 'reason; shown to readers')
      .option('--yes', 'skip the confirmation')
      .details(WHAT_RETRACT_DOES)
      .force()
      .examples(
        'hyperletter retract "Tide Tables" 3 --reason "The figures were of another harbour."',
        'hyperletter retract ybndrfg8 3 --yes --json',
      )
      .action(bind(retract)),
}

async function amend(
  context: Context,
  newsletter: string,
  number: number,
  file: string,
  { note, force, ...options }: AmendOptions,
): Promise<void> {
  const { out } = context
  const draft = await draftSource(context, file, options)
  const amended = await call(context, 'amendIssue', { newsletter, number, draft, note, force })
  for (const it of amended.warnings) await tellWarning(context, it)
  await out.result(
    amended,
    () =>
      `Amended issue ${number}, ${quoteTitle(amended.title)}: it has ${plural(amended.editions, 'edition')} now.\n`,
  )
  await out.next(`hyperletter read ${shellWord(newsletter)} ${number} --diff`)
}

interface RetractOptions extends Pick<Input<'retractIssue'>, 'reason' | 'force'> {
  readonly yes?: boolean
}

const WHAT_RETRACT_DOES = `
The text and attachments of all editions are deleted here and, once they are online, by every reader
and seeder. Nobody of them serves the text any longer. Number, date, title and summary stay, and the
issue is shown as retracted.

A retraction is permanent, and copies may remain: people may have saved, printed or copied the text.
A seeder that has only the key of a private newsletter, and plain Hypercore tools, do not recognise a
retraction and continue to serve the text. Existing bundles still contain it.
`

async function retract(
  context: Context,
  newsletter: string,
  number: number,
  { reason, yes = false, force }: RetractOptions,
): Promise<number | void> {
  const { out } = context
  if (!yes && !(await isConfirmed(context, newsletter, number))) {
    await out.note('Nothing was retracted.')
    return 1
  }
  const retracted = await call(context, 'retractIssue', { newsletter, number, reason, force })
  await out.result(
    retracted,
    () =>
      `Retracted issue ${number}, ${quoteTitle(retracted.title)}. Its text is gone from this machine.\n`,
  )
  await out.note('Readers drop it when they are next online. Copies saved elsewhere stay.')
  await out.next('Run `hyperletter daemon start` to announce the retraction to readers.')
}

async function isConfirmed(context: Context, newsletter: string, number: number): Promise<boolean> {
  const { io, out } = context
  const { ask, canAsk } = await import('../../input.ts')
  if (!canAsk(context)) {
    throw invalidInput('A retraction cannot be undone.', {
      hint: `If that is what you want: hyperletter retract ${shellWord(newsletter)} ${number} --yes`,
    })
  }
  const issues = await call(context, 'listIssues', { newsletter })
  const title = issues.find((it) => it.number === number)?.title
  if (title === undefined) {
    throw new HyperletterError('ISSUE_NOT_FOUND', `There is no issue ${number}.`)
  }
  await out.note(`This withdraws issue ${number}, ${quoteTitle(title)}. It cannot be undone.`)
  await out.note(
    'Readers drop the text when they are next online. Saved copies and seeders without the key keep it.',
  )
  const answer = await ask(io, `Type ${number} to retract it: `)
  return answer?.replace(/^#/, '') === String(number)
}
