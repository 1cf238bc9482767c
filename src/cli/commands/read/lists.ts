import { Option } from 'commander'
import type { Input } from '../../../api/contract/contract.ts'
import {
  call,
  type Commands,
  type Context,
  withOperations,
  noteSuccessors,
  takeNotices,
} from '../../context.ts'
import {
  describeProblem,
  formatDate,
  ISSUE_LEGEND,
  issueMark,
  markedTitle,
  nameOf,
  shellWord,
  shortKey,
} from '../../terminal/format.ts'
import { formatTable } from '../../terminal/table.ts'

export const commands: Commands = {
  list: (command, bind) =>
    command
      .examples('hyperletter list', `hyperletter list --json | jq -r '.[].link'`)
      .action(bind(list)),
  issues: (command, bind) =>
    command
      .examples(
        'hyperletter issues "Tide Tables"',
        `hyperletter issues ybndrfg8 --json | jq '.[] | select(.read | not) | .number'`,
      )
      .action(bind(listIssues)),
  inbox: (command, bind) =>
    command
      .option('--all', 'include read issues')
      .addOption(new Option('--starred', 'only starred issues').conflicts('all'))
      .examples('hyperletter inbox', 'hyperletter inbox --starred', 'hyperletter inbox --json')
      .action(bind(inbox)),
}

async function list(context: Context): Promise<void> {
  const { out } = context
  const newsletters = await call(context, 'listNewsletters', {})
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
    if (problem) await out.warn(`${nameOf({ feedKey, title })}: ${describeProblem(problem)}`)
  }
  await noteSuccessors(context, newsletters)
  if (newsletters.length > 0) return
  await out.next(
    'Run `hyperletter subscribe <link>` to read one, or `hyperletter create <title>` to write one.',
  )
}

async function listIssues(context: Context, newsletter: string): Promise<void> {
  const { out } = context
  const found = await call(context, 'listIssues', { newsletter })
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

interface InboxOptions {
  readonly all?: boolean
  readonly starred?: boolean
}

type Show = NonNullable<Input<'listInbox'>['show']>

const NOTHING: Readonly<Record<Show, string>> = {
  unread: 'No unread issues.\n',
  all: 'No issues yet.\n',
  starred: 'No starred issues.\n',
}

/** With more unread issues than these, somebody has an archive that he will not read. */
const MANY = 50

async function inbox(context: Context, { all, starred }: InboxOptions): Promise<void> {
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
      await out.note('`hyperletter mark <newsletter> --read --all` marks a whole archive as read')
    }
    await out.next(`hyperletter read ${shortKey(first.feedKey)} ${first.number}`)
  } else if (subscriptions === 0) {
    await out.next('Run `hyperletter subscribe <link>` to follow a newsletter.')
  }
}
