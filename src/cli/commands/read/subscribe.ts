import { open, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { succeeds } from '../../../async.ts'
import type { Connection } from '../../../connect.ts'
import type { Input, Operations, Output } from '../../../api/contract/contract.ts'
import type { Unread } from '../../../config/values.ts'
import { attempt, hasCode, HyperletterError, invalidInput } from '../../../errors.ts'
import { seconds } from '../../command.ts'
import { call, type Commands, type Context, withOperations, finishOf } from '../../context.ts'
import { nameOf, plural, shortKey } from '../../terminal/format.ts'
import { Progress } from '../../terminal/progress.ts'

interface Options {
  readonly wait: boolean
  readonly timeout?: number
  readonly key?: string
  readonly unread?: Unread
}

interface BundleOptions {
  readonly subscribe?: boolean
  readonly key?: string
}

type Event = Output<'subscribe'>
type Subscribed = Omit<Extract<Event, { event: 'subscribed' }>, 'event'>

interface Outcome {
  readonly subscribed: Subscribed
  readonly heldBlocks: number
  readonly length: number
  readonly failure?: unknown
}

export const commands: Commands = {
  subscribe: (command, bind) =>
    command
      .more('Fetches its issues, stores them, and serves them to others.')
      .describeArgument(
        'link',
        'hyperletter:// link, feed key, domain, https:// address of a mirror, or file from `export` or `succeed`',
      )
      .option('--no-wait', 'do not wait; the daemon fetches the issues')
      .unreadAtFirst()
      .option('--timeout <seconds>', 'give up after this number of seconds of silence', seconds)
      .option(
        '--key <key>',
        'for the file of a private newsletter: its link, or the key in the link',
      )
      .examples(
        'hyperletter subscribe hyperletter://<feed key>',
        'hyperletter subscribe hyperletter://<feed key> --no-wait',
        'hyperletter subscribe tides.example',
        'hyperletter subscribe https://tides.example/',
        'hyperletter subscribe tides.bundle',
      )
      .action(bind(subscribe)),
  unsubscribe: (command, bind) =>
    command
      .examples('hyperletter unsubscribe "Tide Tables"', 'hyperletter unsubscribe ybndrfg8')
      .action(bind(unsubscribe)),
  'import-bundle': (command, bind) =>
    command
      .describeArgument('file', 'a file made by `hyperletter export`')
      .option('--subscribe', 'also follow the newsletter')
      .option('--key <key>', 'for a private newsletter: its link, or the key in the link')
      .examples(
        'hyperletter import-bundle tides.bundle',
        'hyperletter import-bundle tides.bundle --subscribe',
      )
      .action(bind(importBundle)),
}

async function subscribe(context: Context, link: string, options: Options): Promise<void> {
  const { out } = context
  const file = await bundleFile(context, link)
  if (file !== undefined) {
    const statement = await statementIn(file)
    if (statement !== undefined) return subscribeToSuccessor(context, statement, options.timeout)
    return subscribeToFile(context, file, options.key)
  }
  if (options.key !== undefined) {
    throw invalidInput('There is no such file; --key needs one.', {
      hint: 'Give the whole link: hyperletter://<feed key>#<encryption key>',
    })
  }
  const { subscribed, heldBlocks, length, failure, via } = await withOperations(
    context,
    async (operations, host) => {
      const outcome = await follow(context, operations, link, options)
      return { ...outcome, subscribed: await latest(operations, outcome.subscribed), via: host }
    },
    { online: options.wait },
  )
  const { feedKey, title, issues } = subscribed
  const complete = length > 0 && heldBlocks >= length
  const { name, lookAlike } = subscribed
  const json = { feedKey, title, issues, heldBlocks, length, name, lookAlike }
  await out.result(json, () => {
    const shown = nameOf({ feedKey, title })
    const held = complete ? ', all downloaded' : ''
    const count = title === undefined ? '' : `: ${plural(issues, 'issue')}${held}`
    return `Subscribed to ${shown}${count}.\n`
  })
  if (name !== undefined) {
    await out.note(`${name} names this newsletter, and the newsletter names ${name}.`)
  }
  if (lookAlike === true) {
    await out.warn(
      `Another newsletter here has a title that looks like this one. The key of this one begins with ${shortKey(feedKey)}.`,
    )
  }
  if (/^https?:/i.test(link) || name !== undefined) {
    // Nobody vouched for it but the server. From here on, only this key counts.
    await out.note(`Its key, which you can compare: hyperletter://${feedKey}`)
  }
  if (failure !== undefined) throw explain(failure, via, heldBlocks, length)
  if (title === undefined) {
    await out.note('Nothing has arrived yet: check the link, then wait for the author or a reader.')
  }
  await out.next(
    complete
      ? `hyperletter read ${shortKey(feedKey)}`
      : 'Run `hyperletter daemon start`: the daemon fetches the issues when peers appear.',
  )
}

async function follow(
  context: Context,
  operations: Operations,
  link: string,
  { wait, timeout, unread }: Options,
): Promise<Outcome> {
  using progress = new Progress(context, 'looking for peers')
  const input = { link, ...(!wait && { wait: false }), timeoutSeconds: timeout, unread }
  let subscribed: Subscribed | undefined
  let heldBlocks = 0
  let length = 0
  try {
    for await (const event of operations.subscribe(input, { signal: context.io.signal })) {
      if (event.event === 'subscribed') {
        const { event: _event, ...others } = event
        subscribed = others
      } else {
        ;({ heldBlocks, length } = event)
        const label = event.peers === 0 ? 'looking for peers' : 'fetching blocks'
        const note = plural(event.peers, 'peer')
        progress.update({ label, done: heldBlocks, total: length, note })
      }
    }
  } catch (failure) {
    // The subscription itself was recorded; only the wait for issues failed.
    if (subscribed !== undefined) return { subscribed, heldBlocks, length, failure }
    throw failure
  }
  if (subscribed !== undefined) return { subscribed, heldBlocks, length }
  throw new HyperletterError('INTERNAL', 'Subscribing ended without an answer.')
}

// The title and the number of issues arrive after the subscription has been recorded.
async function latest(operations: Operations, subscribed: Subscribed): Promise<Subscribed> {
  const newsletters = await operations.listNewsletters({}).catch(() => [])
  const found = newsletters.find(({ feedKey }) => feedKey === subscribed.feedKey)
  if (found === undefined) return subscribed
  return { ...subscribed, issues: found.issues, title: found.title }
}

function explain(failure: unknown, via: Connection['via'], heldBlocks: number, length: number) {
  if (!hasCode(failure, 'TIMEOUT', 'NOT_AVAILABLE')) return failure
  const message =
    heldBlocks === 0
      ? 'Nobody answered: check the link. You follow it, and it arrives once somebody has it.'
      : `Only ${heldBlocks} of ${length} blocks have arrived. You follow it.`
  const hint =
    via === 'daemon'
      ? 'The daemon fetches the rest; `hyperletter status` shows the progress.'
      : 'Run `hyperletter daemon start`: it fetches the rest when a peer appears.'
  return new HyperletterError(failure.code, message, { hint, cause: failure })
}

/**
 * The statement of succession in a file; undefined if the file is something else.
 * @throws INVALID_STATEMENT if it begins like one and is none.
 */
async function statementIn(file: string): Promise<string | undefined> {
  const { looksLikeSuccession, parseSuccession, SUCCESSION_CHARACTERS } =
    await import('../../../format/records/succession.ts')
  // More than a statement with the white space around it. A file that cannot be read is no statement;
  // the bundle reader reports what is wrong with it.
  const text = await startOf(file, 2 * SUCCESSION_CHARACTERS).catch(() => '')
  if (!looksLikeSuccession(text)) return undefined
  parseSuccession(text)
  return text.trim()
}

async function startOf(file: string, maxBytes: number): Promise<string> {
  const handle = await open(file, 'r')
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(maxBytes), 0, maxBytes)
    return buffer.toString('latin1', 0, bytesRead)
  } finally {
    await handle.close()
  }
}

/** Follows a newsletter to where it continues. @throws NOT_AVAILABLE if its beginning cannot be had in time */
async function subscribeToSuccessor(
  context: Context,
  statement: string,
  timeoutSeconds: number | undefined,
): Promise<void> {
  const { out } = context
  const { from, to, title } = await call(context, 'acceptSuccession', { statement, timeoutSeconds })
  await out.result({ from, to, title }, () => {
    const name = nameOf({ feedKey: from, title })
    return `${name} continues at ${shortKey(to)}, and you now follow it there. The old issues stay.\n`
  })
  await out.next('Run `hyperletter daemon start` to fetch its issues.')
}

async function unsubscribe(context: Context, newsletter: string): Promise<void> {
  const left = await call(context, 'unsubscribe', { newsletter })
  const name = nameOf(left)
  await context.out.result(left, () => `Unsubscribed from ${name}.\n`)
}

async function importBundle(context: Context, file: string, options: BundleOptions): Promise<void> {
  const path = resolve(context.io.cwd, file)
  if (options.subscribe === true) return subscribeToFile(context, path, options.key)
  const { finished, via } = await take(context, { file: path, ...secretOf(options.key) })
  const { feedKey, title, issues } = finished
  await context.out.result({ ...finished, file: path }, () => {
    const name = nameOf({ feedKey, title })
    const count = title === undefined ? plural(finished.blocks, 'block') : plural(issues, 'issue')
    return `Imported ${name}: ${count}, ${newOf(finished)}.\n`
  })
  await context.out.next(
    via === 'engine'
      ? 'Run `hyperletter daemon start` to serve it.'
      : '`hyperletter status` shows what is stored and served.',
  )
}

/** The absolute path of the file that an argument names; undefined if it is a link, or nothing there is. */
async function bundleFile({ io }: Context, argument: string): Promise<string | undefined> {
  const { parseLink } = await import('../../../format/keys/link.ts')
  const path = resolve(io.cwd, argument)
  const isLink = attempt(() => parseLink(argument)) !== undefined
  return !isLink && (await succeeds(stat(path))) ? path : undefined
}

/** Follows the newsletter of a bundle. @param key its link, or the encryption key alone. */
async function subscribeToFile(context: Context, file: string, key?: string): Promise<void> {
  const input = { file, subscribe: true, ...secretOf(key) }
  const { finished, via } = await take(context, input)
  const { feedKey, title, issues } = finished
  await context.out.result({ ...finished, file }, () => {
    const name = nameOf({ feedKey, title })
    return `Subscribed to ${name}: ${plural(issues, 'issue')}, ${newOf(finished)}.\n`
  })
  await context.out.next(`hyperletter read ${shortKey(feedKey)}`)
  if (via === 'engine') {
    await context.out.next('Run `hyperletter daemon start` to fetch later issues.')
  }
}

function newOf({ added }: { readonly added: number }): string {
  return added === 0 ? 'nothing new' : plural(added, 'new block')
}

// A bare key has no mark of which of the two keys it is; the feed key is in the bundle already.
function secretOf(key: string | undefined) {
  if (key === undefined) return {}
  return /[#:]/.test(key) ? { link: key } : { encryptionKey: key }
}

async function take(context: Context, input: Input<'importBundle'>) {
  return withOperations(context, async (operations, via) => {
    using progress = new Progress(context, 'verifying')
    const events = operations.importBundle(input, { signal: context.io.signal })
    const finished = await finishOf(events, ({ step, done, total }) => {
      const percent = total === 0 ? 0 : Math.floor((done / total) * 100)
      progress.update({ label: step, done: percent, total: 100, note: '%' })
    })
    return { finished, via }
  })
}
