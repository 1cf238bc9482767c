import type { Input } from '../../../api/contract/contract.ts'
import { defined } from '../../../defined.ts'
import { ANY_NEWSLETTER, wholeNumber } from '../../command.ts'
import {
  call,
  type Commands,
  type Context,
  showText,
  withConnection,
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
  plural,
  shellWord,
  shortKey,
} from '../../terminal/format.ts'
import { formatTable, right, shrinking } from '../../terminal/table.ts'
import { Option } from 'commander'

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
      .more('On a terminal, read them key by key; ? shows the keys.')
      .option('--all', 'include read issues')
      .addOption(new Option('--starred', 'only starred issues').conflicts('all'))
      .option('--in <newsletter>', `only this newsletter: ${ANY_NEWSLETTER}`)
      .option('--limit <n>', 'print this many at most', wholeNumber(1, 200))
      .option(
        '--page <n>',
        'with --limit: which part of the list, 1 is the newest',
        wholeNumber(1, 1_000_000),
      )
      .option('--plain', 'read line by line, for screen readers (HYPERLETTER_PLAIN)')
      .option('--list', 'print the list')
      .addOption(
        new Option('--mark-read', 'mark all unread issues as read').conflicts(['all', 'starred']),
      )
      .examples(
        'hyperletter inbox',
        'hyperletter inbox --starred',
        'hyperletter inbox --mark-read --in "Tide Tables"',
        'hyperletter inbox --json --limit 20 --page 2',
      )
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
          [shrinking('newsletter'), 'you are', right('issues'), right('unread'), 'key'],
          newsletters.map((it) => [
            { text: it.title ?? '(not fetched yet)', style: it.title === undefined ? dim : bold },
            it.roles.join(', ') + (it.private ? ', private' : ''),
            String(it.issues),
            it.unread === 0 ? '' : String(it.unread),
            { text: shortKey(it.feedKey), style: dim },
          ]),
          out,
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
  await resultInPages(context, newestFirst, () =>
    newestFirst.length === 0
      ? 'No issues yet.\n'
      : formatTable(
          [{}, right(), shrinking(), {}],
          newestFirst.map((it) => [
            issueMark(it, out.style),
            String(it.number),
            { text: markedTitle(it), style: it.read ? (text: string) => text : bold },
            { text: formatDate(it.publishedAt), style: dim },
          ]),
          out,
        ),
  )
  if (newestFirst.length === 0) return
  if (out.isTerminal) await out.note(ISSUE_LEGEND)
  await out.next(`hyperletter read ${shellWord(newsletter)} <number>`)
}

interface InboxOptions {
  readonly all?: boolean
  readonly starred?: boolean
  readonly in?: string
  readonly limit?: number
  readonly page?: number
  readonly plain?: boolean
  readonly list?: boolean
  readonly markRead?: boolean
}

type Show = NonNullable<Input<'listInbox'>['show']>

const NOTHING: Readonly<Record<Show, string>> = {
  unread: 'No unread issues.\n',
  all: 'No issues yet.\n',
  starred: 'No starred issues.\n',
}

/** With more unread issues than these, somebody has an archive that he will not read. */
const MANY = 50

async function inbox(context: Context, options: InboxOptions): Promise<void> {
  const { all, starred, in: newsletter, limit, page = 1, markRead, list: isList } = options
  if (markRead === true) return markAllRead(context, newsletter)
  const { io, out } = context
  const show: Show = starred === true ? 'starred' : all === true ? 'all' : 'unread'
  const isPart = limit !== undefined || isList === true
  if (!isPart && (await readHere(context, { show, newsletter }, options.plain))) return
  const part = limit === undefined ? {} : { limit, skip: (page - 1) * limit, excerpts: true }
  const input = { show, ...part, newsletter }
  const { issues, followed, notices } = await withOperations(context, async (operations) => {
    const found = await operations.listInbox(input, { signal: io.signal })
    // Nothing unread may mean that all is read, or that nothing is followed: two different next steps.
    const newsletters =
      found.length > 0 ? [] : await operations.listNewsletters({}, { signal: io.signal })
    return {
      notices: await takeNotices(context, operations),
      issues: found,
      followed: newsletters.filter(({ roles }) => roles.includes('subscriber')),
    }
  })
  const { bold, cyan, dim } = out.style
  await resultInPages(context, issues, () =>
    issues.length === 0
      ? NOTHING[show]
      : formatTable(
          [{}, shrinking(), right(), shrinking(), {}],
          issues.map((it) => [
            // Where all is unread, no mark has to say so.
            issueMark(show === 'unread' ? { ...it, read: true } : it, out.style),
            { text: it.newsletter, style: cyan },
            String(it.number),
            { text: markedTitle(it), style: it.read ? (text: string) => text : bold },
            { text: formatDate(it.publishedAt), style: dim },
          ]),
          out,
        ),
  )
  await noteSuccessors(context, notices)
  const [first] = issues
  if (first !== undefined) {
    if (out.isTerminal && (show !== 'unread' || issues.some(({ held }) => !held))) {
      await out.note(ISSUE_LEGEND)
    }
    if (out.isTerminal && show === 'unread' && issues.length > MANY) {
      await out.note('`hyperletter inbox --mark-read` marks all of them as read')
    }
    await out.next(`hyperletter read ${shortKey(first.feedKey)} ${first.number}`)
  } else if (followed.length === 0) {
    await out.next('Run `hyperletter subscribe <link>` to follow a newsletter.')
  } else {
    const waiting = followed.find((it) => it.title === undefined)?.feedKey
    if (waiting === undefined) return
    const key = shortKey(waiting)
    await out.note(`Nothing has arrived from ${key} yet: check its link first.`)
    await out.next(`\`hyperletter why ${key}\` says what is missing.`)
  }
}

/** Reads on the terminal, if there is one and there is anything to read. @returns whether it did */
async function readHere(
  context: Context,
  shown: { readonly show: Show; readonly newsletter: string | undefined },
  isPlain: boolean | undefined,
): Promise<boolean> {
  const { io, options } = context
  if (io.stdin.isTTY !== true || io.stdout.isTTY !== true || options.json === true) return false
  return withConnection(
    context,
    async (connection, config) => {
      const { canDraw } = await import('../../reader/screen.ts')
      const { IssueList } = await import('../../reader/issue-list.ts')
      const { operations } = connection
      const issues = new IssueList(operations, shown)
      const height = io.stdout.rows || 24
      await issues.reload(height, io.signal)
      // Where all is read, there may be something to read again.
      if (issues.chosen === undefined && shown.show === 'unread') await issues.show('all', height)
      if (issues.chosen === undefined) return false
      if (isPlain === true || config.plain || !canDraw(io)) {
        const { readPlainly } = await import('../../reader/plain.ts')
        await readPlainly(context, operations, issues)
      } else {
        const { TerminalReader } = await import('../../reader/reader.ts')
        await new TerminalReader(context, connection, config, issues).run()
      }
      await noteSuccessors(context, await takeNotices(context, operations))
      return true
    },
    { lend: true },
  )
}

async function markAllRead(context: Context, newsletter: string | undefined): Promise<void> {
  const marked = await call(context, 'markAllRead', defined({ newsletter }))
  const count = marked.reduce((sum, it) => sum + it.numbers.length, 0)
  await context.out.result(marked, () => `Marked ${plural(count, 'issue')} as read.\n`)
}

/** A list for people, in the pager where it is longer than the terminal. */
async function resultInPages(
  context: Context,
  json: unknown,
  human: () => string | Promise<string>,
): Promise<void> {
  if (context.options.json === true) return context.out.result(json, human)
  await showText(context, await human())
}
