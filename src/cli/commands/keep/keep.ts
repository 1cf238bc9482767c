import { resolve } from 'node:path'
import { InvalidArgumentError } from 'commander'
import type { Output, Input } from '../../../api/contract/contract.ts'
import { type Keep, parseNewerThan } from '../../../config/keep.ts'
import { MAX_OPML_NEWSLETTERS as MAX_NEWSLETTERS } from '../../../api/kinds.ts'
import { parseBytes } from '../../../config/values.ts'
import { defined } from '../../../defined.ts'
import { HyperletterError, invalidInput } from '../../../errors.ts'
import { wholeNumber } from '../../command.ts'
import { call, type Commands, type Context, withOperations } from '../../context.ts'
import { nameOf, plural } from '../../terminal/format.ts'
import { formatBytes } from '../../../render/plain.ts'
import { formatTable, right, shrinking } from '../../terminal/table.ts'

interface Options extends Pick<Keep, 'newest' | 'newerThan' | 'textOnly'> {
  readonly everything?: boolean
  readonly atMost?: number
}

export const commands: Commands = {
  keep: (command, bind) =>
    command
      .more(
        'Without an option: shows the current choice. Other issues stay listed and can be read while a peer has them. Starred issues are always kept.',
      )
      .option('--everything', 'all issues, within the disk cap')
      .option('--newest <n>', 'the newest n issues', wholeNumber(1, 1_000_000))
      .option(
        '--newer-than <age>',
        'issues newer than 90d, 12w, 6m, 1y or a date',
        argument(parseNewerThan),
      )
      .option('--at-most <size>', 'the newest issues up to this size', argument(parseBytes))
      .option('--text-only', 'text without attachments')
      .examples(
        'hyperletter keep "Tide Tables" --newest 50',
        'hyperletter keep "Tide Tables" --newer-than 1y --text-only',
        'hyperletter keep "Tide Tables" --everything',
      )
      .action(bind(choose)),
  seed: (command, bind) =>
    command
      .more('The feed key of a private newsletter is enough.')
      .describeArgument('link', 'link or feed key')
      .option('--file <file>', 'also every link in this file, one a line; - for standard input')
      .examples('hyperletter seed hyperletter://<feed key>', 'hyperletter seed --file links.txt')
      .action(bind(seed)),
  unseed: (command, bind) => command.examples('hyperletter unseed ybndrfg8').action(bind(unseed)),
  mirror: (mirror, bind) => {
    mirror
      .more('A mirror is asked for what no peer has; whatever it sends is verified.')
      .examples(
        'hyperletter mirror add tide https://tides.example/',
        'hyperletter mirror list tide',
      )
    mirror
      .command('add <newsletter> <address>')
      .description('Fetch from a web server what no peer has.')
      .describeArgument('address', ADDRESS)
      .details(
        `
Of a newsletter that you write, the address is signed into its profile: all readers use it, so it must
be https, and everybody sees it.
`,
      )
      .examples('hyperletter mirror add tide https://tides.example/')
      .action(
        bind((context, newsletter: string, add: string) => change(context, { newsletter, add })),
      )
    mirror
      .command('remove <newsletter> <address>')
      .description('Ask a web server no more.')
      .describeArgument('address', 'an address that `mirror list` shows')
      .examples('hyperletter mirror remove tide https://tides.example/')
      .action(
        bind((context, newsletter: string, remove: string) =>
          change(context, { newsletter, remove }),
        ),
      )
    mirror
      .command('list <newsletter>')
      .description('List the mirrors of a newsletter, and how it stands with each.')
      .examples('hyperletter mirror list tide', 'hyperletter mirror list tide --json')
      .action(bind((context, newsletter: string) => change(context, { newsletter })))
  },
}

async function choose(context: Context, newsletter: string, options: Options): Promise<void> {
  const { out } = context
  const it = await call(context, 'keepNewsletter', defined({ newsletter, keep: keepOf(options) }))
  await out.result(it, () => describe(it))
}

// Nothing at all asks what was chosen.
function keepOf({ everything, newest, newerThan, atMost, textOnly }: Options): Keep | undefined {
  // No bound at all is the same as none given.
  const atMostBytes = atMost === Infinity ? undefined : atMost
  const keep: Keep = defined({ newest, newerThan, atMostBytes, textOnly })
  const isLimited = Object.keys(keep).length > 0
  if (everything === true && isLimited)
    throw invalidInput('--everything excludes the other options.')
  return isLimited || everything === true || atMost === Infinity ? keep : undefined
}

function describe(kept: Output<'keepNewsletter'>): string {
  const { feedKey, title, keep: chosen, issues, leftOut } = kept
  const name = nameOf({ feedKey, title })
  const left =
    leftOut === 0
      ? ''
      : ` ${plural(leftOut, 'issue')} of ${issues} can be read while a peer has them.`
  return `${name}: keeping ${describeKeep(chosen)}.${left}\n`
}

function argument<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text)
    } catch (error) {
      const { message, hint } = HyperletterError.from(error)
      throw new InvalidArgumentError(hint === undefined ? message : `${message} ${hint}`)
    }
  }
}

/** What is kept of a newsletter, as part of a sentence. */
function describeKeep({ newest, newerThan, atMostBytes, textOnly }: Keep): string {
  const limits = [
    newest === undefined ? '' : `the newest ${plural(newest, 'issue')}`,
    newerThan === undefined ? '' : `issues newer than ${newerThan}`,
    atMostBytes === undefined ? '' : `at most ${formatBytes(atMostBytes)}`,
    textOnly === true ? 'text without attachments' : '',
  ].filter((it) => it !== '')
  return limits.length === 0 ? 'everything, within the disk cap' : limits.join(', and ')
}

async function seed(
  context: Context,
  given: readonly string[],
  { file }: { readonly file?: string },
): Promise<void> {
  const { io, out } = context
  const links = file === undefined ? given : [...given, ...(await linksIn(context, file))]
  const wanted = await feedKeysOf(links)
  const via = await withOperations(context, async (operations, host) => {
    for (const link of wanted) await operations.seed({ link }, { signal: io.signal })
    return host
  })
  const [feedKey] = wanted
  const json = file === undefined && wanted.length === 1 ? { feedKey } : { feedKeys: wanted }
  await out.result(json, () => wanted.map((it) => `Seeding ${it}.\n`).join(''))
  await out.next(
    via === 'engine'
      ? `Run \`hyperletter daemon start\`: the daemon seeds ${wanted.length === 1 ? 'it' : 'them'}.`
      : '`hyperletter status` shows what is stored and served.',
  )
}

// Lines that begin with # are comments.
async function linksIn(context: Context, file: string): Promise<string[]> {
  const { readList } = await import('../../input.ts')
  const path = file === '-' ? undefined : resolve(context.io.cwd, file)
  const lines = (await readList(context, path)).replace(/^\uFEFF/, '').split(/\r?\n/)
  return lines.map((it) => it.trim()).filter((it) => it !== '' && !it.startsWith('#'))
}

/** The feed keys of links, each once. @throws INVALID_LINK for the first that is none; INVALID_INPUT */
async function feedKeysOf(links: readonly string[]): Promise<string[]> {
  if (links.length === 0 || links.length > MAX_NEWSLETTERS) {
    const message =
      links.length === 0
        ? 'There is no link to seed.'
        : `A list may have at most ${MAX_NEWSLETTERS} links.`
    const hint = 'Name links after `hyperletter seed`, or a file of them with --file.'
    throw invalidInput(message, { hint })
  }
  const { parseLink } = await import('../../../format/keys/link.ts')
  const feedKeys = links.map((it) => {
    try {
      return parseLink(it).feedKey
    } catch (error) {
      if (links.length === 1) throw error
      const { code, message, hint } = HyperletterError.from(error)
      const options = { cause: error, hint }
      throw new HyperletterError(code, `${it.slice(0, 80)}: ${message}`, options)
    }
  })
  return [...new Set(feedKeys)]
}

async function unseed(context: Context, newsletter: string): Promise<void> {
  const { feedKey } = await call(context, 'unseed', { newsletter })
  await context.out.result({ feedKey }, () => `No longer seeding ${feedKey}.\n`)
}

type Mirrors = Output<'setMirrors'>
type Mirror = Mirrors['mirrors'][number]

const ADDRESS = 'web address of a folder that `hyperletter export --site` wrote'

async function change(context: Context, input: Input<'setMirrors'>): Promise<void> {
  const { out } = context
  const found = await call(context, 'setMirrors', input)
  await out.result(found, async () => {
    if (found.mirrors.length === 0) return `${nameOf(found)} has no mirrors.\n`
    const { green, yellow } = out.style
    return formatTable(
      [shrinking('mirror'), 'from', 'state', right('received')],
      found.mirrors.map((it) => [
        it.address,
        it.from === 'you' && !found.signed ? 'you' : 'its author',
        { text: STATES[it.state], style: it.state === 'good' ? green : yellow },
        formatBytes(it.downloadedBytes),
      ]),
      out,
    )
  })
  for (const { message } of found.mirrors) if (message !== undefined) await out.note(message)
  if (found.signed && (input.add !== undefined || input.remove !== undefined)) {
    await out.note('Signed: its readers use these addresses.')
  }
}

const STATES: Readonly<Record<Mirror['state'], string>> = {
  'not-asked': 'not asked yet',
  good: 'good',
  behind: 'is behind',
  wrong: 'sends what was never signed',
  conflict: 'has another history',
  refused: 'may not be asked',
  unreachable: 'does not answer',
}
