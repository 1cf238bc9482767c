import { issueAt, type Origins } from '../../../render/links.ts'
import { Option } from 'commander'
import type { Operations, Output } from '../../../api/contract/contract.ts'
import { HyperletterError, attempt } from '../../../errors.ts'
import { formatBytes, singleLine, stripControls } from '../../../render/plain.ts'
import { issueNumber, wholeNumber } from '../../command.ts'
import { call, type Commands, type Context, showText, withOperations } from '../../context.ts'
import { COMFORTABLE_WIDTH, formatDate, shellWord } from '../../terminal/format.ts'
import { publishedText } from '../../terminal/letter-text.ts'
import { Progress } from '../../terminal/progress.ts'
import type { Pictures } from './read-pictures.ts'

interface Options {
  readonly markdown?: boolean
  readonly html?: boolean
  readonly width?: number
  readonly pager: boolean
  readonly pictures: boolean
  readonly browser?: boolean
  readonly edition?: number
  readonly diff?: boolean
}

type Issue = Output<'readIssue'>

export const commands: Commands = {
  read: (command, bind) =>
    command
      .more('Without a number: the newest issue; without a newsletter: the newest unread one.')
      .describeArgument('number', 'number of the issue', issueNumber)
      .option('--markdown', 'print the Markdown source')
      .addOption(new Option('--html', 'print sanitized HTML').conflicts('markdown'))
      .option('--width <n>', 'line width in characters', wholeNumber(20, 1_000))
      .option('--no-pager', 'print without a pager')
      .option('--no-pictures', 'do not show inline images (kitty, iTerm2 and similar terminals)')
      .option('--browser', 'open the issue in the browser')
      .option(
        '--edition <n>',
        'an earlier edition of an amended issue; 1 is the first',
        issueNumber,
      )
      .option('--diff', 'show changes since the first edition')
      .examples(
        'hyperletter read',
        'hyperletter read "Tide Tables"',
        'hyperletter read ybndrfg8 3 --width 60',
        'hyperletter read "Tide Tables" 3 --markdown > tides.md',
        'hyperletter read "Tide Tables" 3 --diff',
      )
      .action(bind(read)),
}

async function read(
  context: Context,
  named: string | undefined,
  given: number | undefined,
  options: Options,
): Promise<void> {
  const { out } = context
  const { newsletter, number } =
    named === undefined
      ? await newestUnread(context)
      : { newsletter: named, number: given ?? (await numberIn(named)) }
  if (options.browser === true) return readInBrowser(context, newsletter, number)
  if (options.diff === true) return showDiff(context, newsletter, number, options)
  const fetched = await fetchIssue(context, newsletter, number, options)
  const { issue, newest, pictures, origins } = fetched
  if (context.options.json === true) return out.json(await withHtml(issue, origins))
  // A file or a program gets what the author wrote; a terminal must not obey it.
  const safe = out.isTerminal ? stripControls : (text: string) => text
  const isPlain = options.markdown === true || options.html === true
  if (isPlain && issue.retracted !== undefined) await out.warn(retraction(issue.retracted))
  if (options.markdown === true) return out.text(safe(issue.markdown))
  if (options.html === true) return out.text(`${safe((await withHtml(issue, origins)).html)}\n`)

  await show(context, await layOut(context, issue, origins, widthOf(context, options)), options)
  if (issue.attachments.length > 0) {
    const { showPictures } = await import('./read-pictures.ts')
    await showPictures(context, newsletter, issue, pictures, widthOf(context, options))
  }
  if (!issue.verified) await out.warn('This text is not verified against the feed key.')
  if (!out.isTerminal) return
  const hints = [
    issue.number < newest ? `next issue: ${issue.number + 1}` : undefined,
    issue.number > 1 ? `previous: ${issue.number - 1}` : undefined,
  ].filter((hint) => hint !== undefined)
  if (hints.length > 0) {
    await out.note(`${hints.join(', ')} (hyperletter read ${shellWord(newsletter)} <number>)`)
  }
}

/** The number of the issue that a link leads to, however mail hands it on. */
async function numberIn(named: string): Promise<number | undefined> {
  if (!/hyperletter:/i.test(named)) return undefined
  const { parseLink } = await import('../../../format/keys/link.ts')
  // Else it is a title, or whoever looks it up says what is wrong with it.
  return attempt(() => parseLink(named).number)
}

async function newestUnread(context: Context) {
  const [issue] = await call(context, 'listInbox', { limit: 1 })
  if (issue !== undefined) return { newsletter: issue.feedKey, number: issue.number }
  throw new HyperletterError('ISSUE_NOT_FOUND', 'No unread issues.', {
    hint: '`hyperletter inbox --all` shows those that were read.',
  })
}

async function readInBrowser(context: Context, newsletter: string, number: number | undefined) {
  const issue = await call(context, 'readIssue', { newsletter, number })
  const { openInBrowser } = await import('./open.ts')
  await openInBrowser(context, { browser: true, path: `/n/${issue.feedKey}/${issue.number}` })
}

// Closed again before the pager opens: who reads slowly must not keep others from the data.
function fetchIssue(
  context: Context,
  newsletter: string,
  number: number | undefined,
  options: Options,
) {
  const { signal } = context.io
  const { edition } = options
  return withOperations(context, async (operations) => {
    using progress = new Progress(context, 'fetching the issue')
    progress.update({ done: 0, total: 0 })
    const input = { newsletter, number, edition, markRead: true }
    const issue = await operations.readIssue(input, { signal })
    const pictures = await picturesFor(context, operations, issue, options)
    const origins = await originsFor(operations, issue, signal)
    if (number === undefined || !context.out.isTerminal) {
      return { issue, pictures, origins, newest: issue.number }
    }
    const all = await operations.listNewsletters({}, { signal })
    const issues = all.find(({ feedKey }) => feedKey === issue.feedKey)?.issues
    return { issue, pictures, origins, newest: issues ?? issue.number }
  })
}

/** What the issues were imported from that links of this one may mean. */
export async function originsFor(
  operations: Operations,
  { feedKey, importedFrom, markdown }: Issue,
  signal: AbortSignal,
): Promise<Origins> {
  if (importedFrom === undefined || !/\]|href/i.test(markdown)) return new Map()
  const all = await operations.listIssues({ newsletter: feedKey }, { signal }).catch(() => [])
  return new Map(all.map((it) => [it.importedFrom ?? '', it.number]))
}

async function picturesFor(
  context: Context,
  operations: Operations,
  issue: Issue,
  { pictures, markdown, html, edition }: Options,
): Promise<Pictures> {
  const isText = context.options.json !== true && markdown !== true && html !== true
  if (!pictures || !isText || issue.attachments.length === 0) return new Map()
  const { fetchPictures } = await import('./read-pictures.ts')
  return fetchPictures(context, operations, issue, edition)
}

async function showDiff(
  context: Context,
  newsletter: string,
  number: number | undefined,
  options: Options,
): Promise<void> {
  const { readDiff } = await import('./read-diff.ts')
  const { text, json } = await readDiff(context, { newsletter, number, edition: options.edition })
  if (context.options.json === true) return context.out.json(json)
  await show(context, text, options)
}

async function withHtml(issue: Issue, origins: Origins) {
  const { renderHtml } = await import('../../../render/html/html.ts')
  const names = new Set(issue.attachments.map(({ name }) => name))
  const attachmentUrl = (name: string) =>
    names.has(name) ? name.split('/').map(encodeURIComponent).join('/') : undefined
  const linkUrl = (url: string) => {
    const { number, fragment = '' } = issueAt(url, issue.importedFrom, origins) ?? {}
    const place = fragment.replace(/^#/, '#issue-')
    return number === undefined ? undefined : `hyperletter://${issue.feedKey}/${number}${place}`
  }
  return { ...issue, html: renderHtml(issue.markdown, { attachmentUrl, linkUrl }) }
}

/** An issue as text for the terminal, with all that is said of it. @param width in characters */
export async function layOut(
  { out }: Context,
  issue: Issue,
  origins: Origins,
  width: number,
  isDraft = false,
): Promise<string> {
  const { renderTerminal } = await import('../../../render/terminal/terminal.ts')
  const { bold, dim, green, yellow } = out.style
  const body = renderTerminal(issue.markdown, {
    width,
    color: out.hasColor,
    attachments: issue.attachments.map(({ name }) => name),
    linkWords: (url) => {
      const found = issueAt(url, issue.importedFrom, origins)
      return found === undefined ? undefined : `issue ${found.number}`
    },
    title: issue.title,
  })
  const authors = (issue.authors ?? []).map(({ name }) => singleLine(name)).join(', ')
  const facts = [
    singleLine(issue.newsletter),
    `issue ${issue.number}`,
    formatDate(issue.publishedAt),
    ...(authors === '' ? [] : [`by ${authors}`]),
  ]
  const corrected = corrections(issue).map((line) => `${yellow(line)}\n`)
  const seal = issue.verified ? ` · ${green('✓ signed')}` : isDraft ? ` · ${yellow('draft')}` : ''
  const attachments = issue.attachments.map(
    ({ name, bytes }) => `  ${singleLine(name)} (${formatBytes(bytes)})\n`,
  )
  const enclosed =
    attachments.length === 0 ? '' : `\n${dim('Attachments')}\n${attachments.join('')}`
  const letters = (issue.letters ?? []).map((it) => `\n${publishedText(out, it)}`)
  const head = `${bold(singleLine(issue.title))}\n${dim(facts.join(' · '))}${seal}\n${corrected.join('')}`
  return `${head}${dim('─'.repeat(width))}\n\n${body.trimEnd()}\n${enclosed}${letters.join('')}`
}

function widthOf({ io }: Context, { width }: Options): number {
  return width ?? Math.min(io.stdout.columns ?? COMFORTABLE_WIDTH, COMFORTABLE_WIDTH)
}

// What the author said of the issue later.
function corrections({ editions, amendedAt, note, retracted }: Issue): string[] {
  if (retracted !== undefined) return [retraction(retracted)]
  if (amendedAt === undefined) {
    return editions > 1 ? [`as first published; there are ${editions} editions`] : []
  }
  const said = note === undefined ? '' : `: ${singleLine(note)}`
  return [`amended on ${formatDate(amendedAt)}${said}`]
}

function retraction({ at, reason }: NonNullable<Issue['retracted']>): string {
  return `retracted on ${formatDate(at)}${reason === undefined ? '' : `: ${singleLine(reason)}`}`
}

async function show(context: Context, text: string, { pager }: Options) {
  return pager ? showText(context, text) : context.out.text(text)
}
