import { resolve } from 'node:path'
import { collect, OWN_NEWSLETTER, seconds } from '../../command.ts'
import { type Commands, type Context, withOperations, call } from '../../context.ts'
import { UNDATED } from '../../../sources/source.ts'
import type { Input, Operations, Output } from '../../../api/contract/contract.ts'
import { singleLine } from '../../../render/plain.ts'
import { agrees, canAsk } from '../../input.ts'
import { plural, formatDate, nameOf } from '../../terminal/format.ts'
import { Progress } from '../../terminal/progress.ts'
import {
  importReport,
  isKnown,
  rehearsalReport,
  warningLine,
  type Outcome,
} from './import-report.ts'
import { Option } from 'commander'
import { HyperletterError, invalidInput } from '../../../errors.ts'
import { formatTable, shrinking } from '../../terminal/table.ts'

interface RunOptions {
  readonly to?: string
  readonly dryRun?: boolean | undefined
  readonly yes?: boolean | undefined
}

type Options = RunOptions & Omit<Input<'importFolder'>, 'folder' | 'newsletter'>

const WHAT_IS_SKIPPED = `
Drafts, private, scheduled and expired texts, templates and site files are skipped and listed with
the reason. On a terminal, the command first shows what it would publish, and asks: a published issue
cannot be withdrawn from everybody.

Files without a date in their head, name or path come last, in the order of their names, with the time of
the file. With --undated git, the commit that added each dates it; with --undated skip, they are left out.

A post that is an issue already is not published again, whatever folder it is imported from and whatever
its file is called. If it changed, --amend publishes the change.
`

export const commands: Commands = {
  import: (command, bind) =>
    command
      .describeArgument(
        'folder',
        'folder to search, with its subfolders; or what a service exported',
      )
      .option('--to <newsletter>', OWN_NEWSLETTER)
      .option('--match <glob>', 'only files whose path in the folder matches')
      .option('--exclude <glob>', 'not these files; may be given several times', collect(String))
      .ofSite()
      .addOption(
        new Option('--undated <how>', 'what to do with files without a date').choices(UNDATED),
      )
      .option('--fetch-pictures', 'take along pictures that an export shows from the web')
      .option('--allow-private-addresses', 'fetch also from this machine and its network')
      .option('--without-templates', 'leave out template code, such as {% include … %}')
      .option('--amend', 'publish what changed in files that are issues already')
      .option('--dry-run', 'publish nothing; show what would be published, in its order')
      .option('--yes', 'skip the confirmation')
      .details(WHAT_IS_SKIPPED)
      .force()
      .examples(
        'hyperletter import ~/letters --to "Tide Tables" --dry-run',
        'hyperletter import ~/letters --to "Tide Tables"',
        `hyperletter import ~/blog --match 'content/posts/**/*.md' --json`,
        'hyperletter import tide-tables.ghost.2026-03-01.json --site-url https://tides.example',
        `hyperletter import ~/letters --exclude '{notes,attic}/**'`,
      )
      .action(bind(importFolder)),
  republish: (command, bind) =>
    command
      .describeArgument('address', 'of an Atom, RSS or JSON feed; see --list')
      .option('--to <newsletter>', 'one of yours: title, key or start of the key')
      .option('--every <seconds>', 'time between two looks (default: 900)', seconds)
      .option('--new-only', 'leave posts from before now alone')
      .option('--allow-private-addresses', 'the feed may lie on this machine or in its network')
      .option('--fetch-pictures', 'take along pictures that the feed shows from the web')
      .option('--dry-run', 'publish nothing; show what would be published')
      .option('--yes', 'skip the confirmation')
      .addOption(new Option('--list', 'show what is republished').conflicts('stop'))
      .option('--stop', 'republish this feed no more; its issues stay')
      .details(
        `
Publishes the posts of your feed as issues now, and from then on what appears in it whenever the daemon
runs. A post that changes in the feed is amended; one that leaves it stays. Nothing is published twice.
Only the texts in the feed are published: if it has excerpts, so has the newsletter.
`,
      )
      .examples(
        'hyperletter republish https://tides.example/feed.xml --to "Tide Tables"',
        'hyperletter republish https://tides.example/feed.xml --new-only --every 3600',
        'hyperletter republish --list',
        'hyperletter republish https://tides.example/feed.xml --stop',
      )
      .action(bind(republish)),
}

function importFolder(context: Context, folder: string, chosen: Options): Promise<number | void> {
  const { to, yes, siteRoot, ...options } = chosen
  const path = /^https?:\/\//i.test(folder) ? folder : resolve(context.io.cwd, folder)
  const root = siteRoot === undefined ? {} : { siteRoot: resolve(context.io.cwd, siteRoot) }
  const { signal } = context.io
  return runImport(context, { yes, ...options }, (operations, given) => {
    const input = { folder: path, ...root, newsletter: to, ...options, ...given }
    return operations.importFolder(input, { signal })
  })
}

/** Begins the import, or a rehearsal of it. */
type Start = (
  operations: Operations,
  given: { readonly dryRun?: true },
) => AsyncIterable<Output<'importFolder'>>

const FOR_EVER = 'A published issue cannot be withdrawn from everybody.'

/** Longer lists are shown in short. */
const MANY = 20

/** Runs an import and shows what came of it; on a terminal, it shows what would be signed first, and asks. */
async function runImport(
  context: Context,
  { dryRun = false, yes = false }: RunOptions,
  start: Start,
): Promise<number | void> {
  const { out } = context
  const isAsked = canAsk(context) && out.isTerminal && !yes && !dryRun
  const outcome = await withOperations(context, async (operations) => {
    if (isAsked && !(await isConfirmed(context, operations, start))) return undefined
    return follow(context, start(operations, dryRun ? { dryRun } : {}), dryRun)
  })
  if (outcome === undefined) {
    await out.note('Nothing was published.')
    return 1
  }
  const { finished, planned, amended, skipped, warnings } = outcome
  const { feedKey, title, published } = finished
  const lists = { ...(dryRun && { planned }), ...(amended.length > 0 && { amended }) }
  await out.result({ feedKey, published, skipped, title, warnings, ...lists }, () =>
    dryRun ? rehearsalReport(context, outcome) : importReport(context, outcome),
  )
  if (!dryRun) await tellWarnings(context, warnings)
  const many = Math.max(skipped.length, dryRun ? warnings.length : 0)
  if (many > MANY) await out.next('Run with --json to list every file.')
  await tellChanged(context, skipped)
  if (dryRun && planned.length > 0) {
    await out.next(`Run it without --dry-run to publish. ${FOR_EVER}`)
  }
  if (published + planned.length + amended.length + skipped.length === 0) {
    await out.next('There was nothing to publish. Check the folder, or --match.')
  }
}

async function isConfirmed(
  context: Context,
  operations: Operations,
  start: Start,
): Promise<boolean> {
  const { io, out } = context
  const outcome = await follow(context, start(operations, { dryRun: true }), true)
  const { planned } = outcome
  if (planned.length === 0) return true
  await out.text(await rehearsalReport(context, outcome))
  await out.note(FOR_EVER)
  return agrees(io, `Publish ${plural(planned.length, 'issue')}?`)
}

async function follow(
  context: Context,
  events: AsyncIterable<Output<'importFolder'>>,
  dryRun: boolean,
): Promise<Outcome> {
  using progress = new Progress(context, dryRun ? 'reading' : 'importing')
  const lists = {
    planned: [] as Outcome['planned'][number][],
    amended: [] as Outcome['amended'][number][],
    skipped: [] as Outcome['skipped'][number][],
    warning: [] as Outcome['warnings'][number][],
  }
  let finished: Outcome['finished'] | undefined
  for await (const found of events) {
    const { event: _event, ...it } = found
    if (found.event === 'progress')
      progress.update({ done: found.done, total: found.total, note: singleLine(found.file) })
    else if (found.event === 'finished') finished = it as Outcome['finished']
    else lists[found.event].push(it as never)
  }
  if (finished === undefined) {
    throw new HyperletterError('INTERNAL', 'The import ended without saying how.')
  }
  const { warning: warnings, skipped, ...others } = lists
  const order = (it: Outcome['skipped'][number]) => (it.other === true ? 2 : isKnown(it) ? 1 : 0)
  const ordered = skipped.toSorted((a, b) => order(a) - order(b))
  return { finished, ...others, skipped: ordered, warnings }
}

async function tellChanged({ out }: Context, skipped: Outcome['skipped']): Promise<void> {
  const changed = skipped.filter((it) => isKnown(it) && it.message.includes('changed since'))
  if (changed.length === 0) return
  await out.next(`Run with --amend to publish what changed in ${plural(changed.length, 'file')}.`)
}

async function tellWarnings({ out, options }: Context, warnings: Outcome['warnings']) {
  if (warnings.length === 0) return
  if (options.verbose === true) {
    for (const it of warnings) await out.warn(warningLine(it))
    return
  }
  const files = new Set(warnings.map(({ file }) => file)).size
  const many = `${plural(warnings.length, 'warning')} in ${plural(files, 'file')}`
  await out.warn(`${many}; list them with --verbose or --json.`)
}

type RepublishOptions = RunOptions &
  Omit<Input<'republishFeed'>, 'address' | 'newsletter' | 'everySeconds'> & {
    readonly every?: number
    readonly list?: boolean
    readonly stop?: boolean
  }

async function republish(
  context: Context,
  address: string | undefined,
  { list = false, stop = false, to, yes, dryRun, every, ...options }: RepublishOptions,
): Promise<number | void> {
  const { out } = context
  if (list) return show(context)
  if (address === undefined) throw invalidInput('Say which feed, or --list.')
  if (stop) {
    const stopped = await call(context, 'stopRepublishing', { address })
    return out.result(stopped, () => `Stopped republishing ${address}.\n`)
  }
  const everySeconds = every === undefined ? undefined : Math.max(1, Math.round(every))
  const code = await runImport(context, { yes, dryRun }, (operations, given) =>
    operations.republishFeed(
      { address, newsletter: to, everySeconds, ...options, ...given },
      { signal: context.io.signal },
    ),
  )
  if (code === undefined && dryRun !== true)
    await out.next('Run `hyperletter daemon start` to publish what appears from now on.')
  return code
}

async function show(context: Context): Promise<void> {
  const { out } = context
  const feeds = await call(context, 'listRepublished', {})
  const columns = ['feed', shrinking('newsletter'), 'every', 'looked at', shrinking('problem')]
  const rows = feeds.map((it) => [
    it.address,
    nameOf(it),
    `${it.everySeconds} s`,
    it.checkedAt === undefined ? 'never' : formatDate(it.checkedAt),
    it.problem?.message ?? '',
  ])
  await out.result(feeds, () => formatTable(columns, rows, out))
  if (feeds.length === 0) await out.next('hyperletter republish <address of your feed>')
}
