import type { Command } from 'commander'
import { examples, type Bind } from '../../command.ts'
import { withOperations, type Context } from '../../context.ts'
import { noteSuccessors } from '../../successors.ts'
import { shortKey } from '../../terminal/format.ts'
import { formatTable } from '../../terminal/table.ts'

export function register(program: Command, bind: Bind): void {
  program
    .command('list')
    .description('List the newsletters in your library: written, followed and seeded.')
    .addHelpText(
      'after',
      examples('hyperletter list', `hyperletter list --json | jq -r '.[].link'`),
    )
    .action(bind(list))
}

async function list(context: Context): Promise<void> {
  const { io, out } = context
  const newsletters = await withOperations(context, (operations) =>
    operations.listNewsletters({}, { signal: io.signal }),
  )
  const { bold, dim } = out.style
  await out.result(newsletters, () =>
    newsletters.length === 0
      ? 'No newsletters yet.\n'
      : formatTable(
          [
            { header: 'newsletter', shrink: true },
            { header: 'you are' },
            { header: 'issues', align: 'right' },
            { header: 'unread', align: 'right' },
            { header: 'key' },
          ],
          newsletters.map((it) => [
            { text: it.title ?? '(not fetched yet)', style: it.title === undefined ? dim : bold },
            it.roles.join(', ') + (it.private ? ', private' : ''),
            String(it.issues),
            it.unread === 0 ? '' : String(it.unread),
            { text: shortKey(it.feedKey), style: dim },
          ]),
          { width: out.width, header: dim },
        ),
  )
  for (const { title, feedKey, problem } of newsletters) {
    if (problem) await out.warn(`${title ?? shortKey(feedKey)}: ${problem.message}`)
  }
  await noteSuccessors(context, newsletters)
  if (newsletters.length > 0) return
  await out.next(
    '`hyperletter subscribe <link>` to read one, `hyperletter create <title>` to write one.',
  )
}
