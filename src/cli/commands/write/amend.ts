import { resolve } from 'node:path'
import type { Command } from 'commander'
import { defined } from '../../../defined.ts'
import { issueNumber } from '../../arguments.ts'
import { examples, type Bind } from '../../command.ts'
import { withOperations, type Context } from '../../context.ts'
import { plural, quoteTitle, shellWord } from '../../terminal/format.ts'
import { WHAT_FORCE_DOES } from './publish.ts'

interface Options {
  readonly note?: string
  readonly force?: boolean
}

const WHAT_IT_DOES = `
The number and the date of the issue stay. Readers are shown the newest text, marked as amended,
and on request what changed. It cannot be undone: the older text stays in the log, signed, and
everybody who follows the newsletter keeps it. To take an issue back: hyperletter retract.
`

export function register(program: Command, bind: Bind): void {
  program
    .command('amend')
    .description('Publish a corrected text of an issue, with the images it names.')
    .argument('<newsletter>', 'which of yours: title, key or start of the key')
    .argument('<number>', 'number of the issue', issueNumber)
    .argument('<file>', 'the Markdown file, or - for standard input')
    .option('--note <text>', 'what was changed, and why; readers see it')
    .option('--force', 'publish though issues may be missing here and no reader can be asked')
    .addHelpText('after', WHAT_IT_DOES)
    .addHelpText('after', WHAT_FORCE_DOES)
    .addHelpText(
      'after',
      examples(
        'hyperletter amend "Tide Tables" 3 spring-tides.md --note "High water is at 14:10."',
        `sed 's/12:10/14:10/' spring-tides.md | hyperletter amend "Tide Tables" 3 - --json`,
      ),
    )
    .action(bind(amend))
}

async function amend(
  context: Context,
  newsletter: string,
  number: number,
  file: string,
  { note, force }: Options,
): Promise<void> {
  const { io, out } = context
  const draft = await draftSource(context, file)
  const amended = await withOperations(context, (operations) =>
    operations.amendIssue(
      {
        newsletter,
        number,
        draft,
        ...defined({ note, force }),
      },
      { signal: io.signal },
    ),
  )
  for (const { message, line } of amended.warnings) {
    await out.warn(line === undefined ? message : `line ${line}: ${message}`)
  }
  await out.result(
    amended,
    () =>
      `Amended issue ${number}, ${quoteTitle(amended.title)}: it has ${plural(amended.editions, 'edition')} now.\n`,
  )
  await out.next(`hyperletter read ${shellWord(newsletter)} ${number} --diff`)
}

async function draftSource(context: Context, file: string) {
  const { cwd } = context.io
  if (file !== '-') return { file: resolve(cwd, file) }
  const { readDraft } = await import('../../input.ts')
  return { markdown: await readDraft(context), folder: cwd }
}
