import type { Command } from 'commander'
import { examples, type Bind } from '../../command.ts'
import { withOperations, type Context } from '../../context.ts'
import { formatDate, shellWord } from '../../terminal/format.ts'
import { ISSUE_LEGEND, issueMark, markedTitle } from '../../terminal/marks.ts'
import { formatTable } from '../../terminal/table.ts'

export function register(program: Command, bind: Bind): void {
  program
    .command('issues')
    .description('List the issues of a newsletter, newest first.')
    .argument('<newsletter>', 'title, key, start of the key, or link')
    .addHelpText(
      'after',
      examples(
        'hyperletter issues "Tide Tables"',
        `hyperletter issues ybndrfg8 --json | jq '.[] | select(.read | not) | .number'`,
      ),
    )
    .action(bind(issues))
}

async function issues(context: Context, newsletter: string): Promise<void> {
  const { io, out } = context
  const found = await withOperations(context, (operations) =>
    operations.listIssues({ newsletter }, { signal: io.signal }),
  )
  const newestFirst = found.toSorted((a, b) => b.number - a.number)
  const { bold, dim } = out.style
  await out.result(newestFirst, () =>
    newestFirst.length === 0
      ? 'No issues yet.\n'
      : formatTable(
          [{}, { align: 'right' }, { shrink: true }, {}],
          newestFirst.map((it) => [
            issueMark(it, out.style),
            String(it.number),
            { text: markedTitle(it), style: it.read ? (text: string) => text : bold },
            { text: formatDate(it.publishedAt), style: dim },
          ]),
          { width: out.width },
        ),
  )
  if (newestFirst.length === 0) return
  if (out.isTerminal) await out.note(ISSUE_LEGEND)
  await out.next(`hyperletter read ${shellWord(newsletter)} <number>`)
}
