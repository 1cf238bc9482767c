import { Option } from 'commander'
import { defined } from '../../../defined.ts'
import { HyperletterError } from '../../../errors.ts'
import { seconds } from '../../command.ts'
import { call, type Commands, type Context } from '../../context.ts'
import { formatDate, nameOf } from '../../terminal/format.ts'
import { formatTable } from '../../terminal/table.ts'
import { runImport } from './import.ts'

interface Options {
  readonly to?: string
  readonly every?: number
  readonly newOnly?: boolean
  readonly allowPrivateAddresses?: boolean
  readonly fetchPictures?: boolean
  readonly dryRun?: boolean
  readonly yes?: boolean
  readonly list?: boolean
  readonly stop?: boolean
}

export const commands: Commands = {
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

async function republish(
  context: Context,
  address: string | undefined,
  { list = false, stop = false, to, yes, dryRun, every, ...options }: Options,
): Promise<number | void> {
  const { out } = context
  if (list) return show(context)
  if (address === undefined) {
    throw new HyperletterError('INVALID_INPUT', 'Say which feed, or --list.')
  }
  if (stop) {
    const stopped = await call(context, 'stopRepublishing', { address })
    return out.result(stopped, () => `Stopped republishing ${address}.\n`)
  }
  const everySeconds = every === undefined ? undefined : Math.max(1, Math.round(every))
  const code = await runImport(context, { yes, dryRun }, (operations, given) =>
    operations.republishFeed(
      { address, ...defined({ newsletter: to, everySeconds, ...options, ...given }) },
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
  const columns = [
    'feed',
    { header: 'newsletter', shrink: true },
    'every',
    'looked at',
    { header: 'problem', shrink: true },
  ]
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
