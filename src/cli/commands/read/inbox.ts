import { Option, type Command } from 'commander'
import type { Input } from '../../../api/contract/contract.ts'
import { examples, type Bind } from '../../command.ts'
import { withOperations, type Context } from '../../context.ts'
import { noteSuccessors, takeNotices } from '../../successors.ts'
import { formatDate, shortKey } from '../../terminal/format.ts'
import { ISSUE_LEGEND, issueMark, markedTitle } from '../../terminal/marks.ts'
import { formatTable } from '../../terminal/table.ts'

interface Options {
  readonly all?: boolean
  readonly starred?: boolean
}

type Show = NonNullable<Input<'listInbox'>['show']>

const NOTHING: Readonly<Record<Show, string>> = {
  unread: 'Nothing unread.\n',
  all: 'No issues yet.\n',
  starred: 'Nothing starred.\n',
}

/** With more unread issues than these, somebody has an archive that he will not read. */
const MANY = 50

export function register(program: Command, bind: Bind): void {
  program
    .command('inbox')
    .description('List unread issues of all your subscriptions, newest first.')
    .option('--all', 'what was read, too')
    .addOption(new Option('--starred', 'only what you starred').conflicts('all'))
    .addHelpText(
      'after',
      examples('hyperletter inbox', 'hyperletter inbox --starred', 'hyperletter inbox --json'),
    )
    .action(bind(inbox))
}

async function inbox(context: Context, { all, starred }: Options): Promise<void> {
  const { io, out } = context
  const show = starred === true ? 'starred' : all === true ? 'all' : 'unread'
  const { issues, subscriptions, notices } = await withOperations(context, async (operations) => {
    const found = await operations.listInbox({ show }, { signal: io.signal })
    // Nothing unread may mean that all is read, or that nothing is followed: two different next steps.
    const newsletters =
      found.length > 0 ? [] : await operations.listNewsletters({}, { signal: io.signal })
    return {
      notices: await takeNotices(context, operations),
      issues: found,
      subscriptions: newsletters.filter(({ roles }) => roles.includes('subscriber')).length,
    }
  })
  const { bold, cyan, dim } = out.style
  await out.result(issues, () =>
    issues.length === 0
      ? NOTHING[show]
      : formatTable(
          [{}, { shrink: true }, { align: 'right' }, { shrink: true }, {}],
          issues.map((it) => [
            // Where all is unread, no mark has to say so.
            issueMark(show === 'unread' ? { ...it, read: true } : it, out.style),
            { text: it.newsletter, style: cyan },
            String(it.number),
            { text: markedTitle(it), style: it.read ? (text: string) => text : bold },
            { text: formatDate(it.publishedAt), style: dim },
          ]),
          { width: out.width },
        ),
  )
  await noteSuccessors(context, notices)
  const [first] = issues
  if (first !== undefined) {
    if (out.isTerminal && (show !== 'unread' || issues.some(({ held }) => !held))) {
      await out.note(ISSUE_LEGEND)
    }
    if (out.isTerminal && show === 'unread' && issues.length > MANY) {
      await out.note('hyperletter mark <newsletter> --read --all marks a whole archive as read')
    }
    await out.next(`hyperletter read ${shortKey(first.feedKey)} ${first.number}`)
  } else if (subscriptions === 0) {
    await out.next('`hyperletter subscribe <link>` to follow a newsletter.')
  }
}
