import { once } from 'node:events'
import { join } from 'node:path'
import { pathToFileURL, fileURLToPath } from 'node:url'
import { Option } from 'commander'
import { anySignal } from '../../../async.ts'
import type { Operations, Output } from '../../../api/contract/contract.ts'
import type { Unread } from '../../../config/values.ts'
import { hasCode } from '../../../errors.ts'
import { parseLink } from '../../../format/keys/link.ts'
import { wholeNumber } from '../../command.ts'
import {
  call,
  type Commands,
  type Context,
  loadConfig,
  settingsIn,
  withConnection,
  withOperations,
} from '../../context.ts'
import { nameOf, plural, quoteTitle, shortKey } from '../../terminal/format.ts'
import type { AllAddresses } from '../../../site/syndication/addresses.ts'
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'

interface FeedsOptions {
  readonly complete?: boolean
  readonly opml?: boolean
}

const registerFeeds: Commands[string] = (command, bind) =>
  command
    .option(
      '--complete',
      'addresses with all issues in one document, for apps that ignore paged feeds',
    )
    .addOption(new Option('--opml', 'print an OPML file for feed readers').conflicts('json'))
    .examples(
      'hyperletter web-feeds',
      'hyperletter web-feeds --opml --complete > feeds.opml && newsboat -i feeds.opml',
    )
    .action(bind(feeds))

export const commands: Commands = {
  open: (command, bind) =>
    command
      .more(
        'Serves your newsletters to this machine only. A link is followed, by a daemon that is started if none runs, and its newest issue shown.',
      )
      .describeArgument(
        'link',
        'hyperletter:// link of a newsletter or issue, or https:// address of a mirror',
      )
      .option('--port <n>', 'port to serve on; remembered', wholeNumber(1, 65_535))
      .option('--no-browser', 'print the address without opening a browser')
      .option('--preview', 'with a link: show what it is, and follow it only if you say so there')
      .unreadAtFirst()
      .timeout('with a link: give up')
      .examples(
        'hyperletter open',
        'hyperletter open hyperletter://<feed key>',
        'hyperletter open https://tides.example/',
        'hyperletter open --no-browser',
        'hyperletter open --port 8080',
      )
      .action(bind(open)),
  'web-feeds': registerFeeds,
  feeds: registerFeeds,
  web: (command, bind) =>
    command
      .more(
        'With the gateway open: its address, and a link with a QR code. Always: the reader in one file, which checks newsletters on any web host. See docs/reach.md.',
      )
      .option('--hash', 'print the SHA-256 of the reader in one file, and nothing else')
      .examples(
        'hyperletter web tide',
        'hyperletter web --hash',
        'curl -s https://tides.example/reader.html | sha256sum   # the same, if it is this version',
      )
      .action(bind(showWeb)),
}

interface Options {
  readonly port?: number
  readonly browser: boolean
  readonly preview?: boolean
  readonly unread?: Unread
  readonly timeout?: number
}

type Opened = Partial<Output<'previewNewsletter'>> & { readonly number?: number | undefined }

async function open(context: Context, link: string | undefined, options: Options): Promise<void> {
  const { port, browser, preview } = options
  if (link === undefined) return openInBrowser(context, { port, browser })
  const isWeb = /^https?:/i.test(link.trim())
  const { feedKey, number } = isWeb ? {} : parseLink(link)
  await startDaemon(context)
  if (preview === true) {
    const known = await call(context, 'listNewsletters', {})
    const isFollowed = known.some((it) => it.feedKey === feedKey && it.roles.includes('subscriber'))
    const page = `/n/${feedKey}${number === undefined ? '' : `/${number}`}`
    const path = isFollowed ? page : `/add?${new URLSearchParams({ link }).toString()}`
    // Whoever clicked on a link has no terminal.
    return openInBrowser(context, { port, browser, path, isClicked: true })
  }
  const opened = await withOperations(context, (operations) =>
    follow(context, operations, link, options),
  )
  const shown = number ?? opened.newest?.number
  const path = `/n/${opened.feedKey}${shown === undefined ? '' : `/${shown}`}`
  // Nobody vouched for it but the server. From here on, only this key counts.
  if (isWeb)
    await context.out.note(`Its key, which you can compare: hyperletter://${opened.feedKey}`)
  await openInBrowser(context, {
    port,
    browser,
    path,
    opened: { ...opened, number: shown },
  })
}

/** Looks at a newsletter and follows it; whoever hosts the reader goes on downloading. */
async function follow(
  { io, out }: Context,
  operations: Operations,
  link: string,
  { timeout, unread }: Options,
): Promise<Output<'previewNewsletter'>> {
  const { signal } = io
  const input = { link, timeoutSeconds: timeout }
  const found = await operations.previewNewsletter(input, { signal })
  const by = (found.authors ?? []).map((it) => it.name).join(', ')
  const facts = [
    by === '' ? '' : `by ${by}`,
    plural(found.issues, 'issue'),
    found.private ? 'private' : '',
  ]
  await out.note(`${quoteTitle(found.title)}, ${facts.filter((it) => it !== '').join(', ')}`)
  if (found.subscribed) return found
  for await (const it of operations.subscribe({ ...input, unread }, { signal })) {
    if (it.event === 'subscribed') break
  }
  await out.note(
    `You follow it now. \`hyperletter unsubscribe ${shortKey(found.feedKey)}\` ends that.`,
  )
  return { ...found, subscribed: true }
}

async function startDaemon(context: Context): Promise<void> {
  const { io, options, out, services } = context
  const config = await loadConfig(context)
  if ((await services.daemonStatus(config)).running) return
  try {
    await services.startDaemon(config, { signal: io.signal, given: settingsIn(options) })
    await out.note('Started the daemon, which fetches and serves in the background.')
  } catch (error) {
    // Somebody else started it meanwhile, or has the data for a moment.
    if (!hasCode(error, 'DAEMON_ALREADY_RUNNING', 'STORE_BUSY')) throw error
  }
}

/** Serves the web reader and shows it. Without a daemon this lasts until the user interrupts. */
export async function openInBrowser(
  context: Context,
  options: {
    readonly port?: number | undefined
    readonly browser: boolean
    /** The page to begin with. */
    readonly path?: string
    /** What was followed to get there. */
    readonly opened?: Opened
    /** Shown also where there is no terminal. */
    readonly isClicked?: boolean
  },
): Promise<void> {
  const { io, out, services } = context
  const { port, path, browser, opened, isClicked = false } = options
  await withConnection(
    context,
    async (connection, { dataDir }) => {
      const { via, ended } = connection
      const url = await connection.openReader({ port, path }, { signal: io.signal })
      await out.result({ url, via, ...opened }, () => `${url}\n`)
      const file =
        browser && (out.isTerminal || isClicked) ? await redirectFile(dataDir, url) : undefined
      const isShown = file !== undefined && (await services.openBrowser(file, io.env))
      if (!isShown) await out.note('Open this address in a browser. It works once.')
      if (via === 'daemon') return
      await out.note('Press Ctrl-C to stop. `hyperletter daemon start` serves it all the time.')
      const end = anySignal(io.signal, ended)
      if (!end.aborted) await once(end, 'abort')
    },
    { lend: true },
  )
}

/**
 * A file for this user alone that leads a browser on to `url`: what a program is started with, every user of
 * the machine can read. Undefined where it cannot be written.
 */
export async function redirectFile(dataDir: string, url: string): Promise<string | undefined> {
  const { replaceWhole } = await import('../../../atomic-file.ts')
  const file = join(dataDir, 'open.html')
  const address = url.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;')
  const page = `<!doctype html>
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0;url=${address}">
<title>Hyperletter</title>
<p><a href="${address}">Go on to your newsletters</a></p>
`
  try {
    await replaceWhole(file, [Buffer.from(page)])
  } catch {
    return undefined
  }
  return pathToFileURL(file).href
}

async function feeds(
  context: Context,
  { complete = false, opml = false }: FeedsOptions,
): Promise<void> {
  const { out } = context
  const { addresses, via } = await findAddresses(context)
  if (opml) {
    const [formats, { opmlOutlines }] = await Promise.all([
      import('../../../site/syndication/formats.ts'),
      import('../../../site/syndication/addresses.ts'),
    ])
    await out.text(formats.opml('Hyperletter', opmlOutlines(addresses, complete)))
  } else {
    await out.result(describe(addresses), () => listing(context, addresses, complete))
    if (addresses.newsletters.length === 0) {
      return out.next('Run `hyperletter subscribe <link>` to follow a newsletter.')
    }
  }
  if (via === 'engine') {
    await out.next('Run `hyperletter daemon start` to serve these addresses.')
  }
}

// The addresses are those of the web reader, which keeps its port and secret from now on.
function findAddresses(context: Context) {
  const { signal } = context.io
  return withConnection(context, async ({ openReader, operations, via }, { dataDir }) => {
    const url = await openReader({}, { signal })
    const newsletters = await operations.listNewsletters({}, { signal })
    const { readerAddresses } = await import('../../../web/state.ts')
    return { addresses: await readerAddresses(dataDir, new URL(url).origin, newsletters), via }
  })
}

function describe({ opml, completeOpml, everything, newsletters }: AllAddresses) {
  return {
    opml,
    completeOpml,
    everything,
    newsletters: newsletters.map(({ newsletter, ...addresses }) => ({
      feedKey: newsletter.feedKey,
      ...addresses,
    })),
  }
}

function listing(
  { out }: Context,
  { everything, newsletters }: AllAddresses,
  complete: boolean,
): string {
  const { bold, dim } = out.style
  const all = { title: 'Everything you follow', ...everything }
  return [...newsletters, ...(newsletters.length > 1 ? [all] : [])]
    .map((it) => {
      const [atom, json] = complete ? [it.completeAtom, it.completeJson] : [it.atom, it.json]
      return `${bold(it.title)}\n  ${atom}\n  ${dim(json)}\n`
    })
    .join('\n')
}

async function showWeb(
  context: Context,
  newsletter: string | undefined,
  { hash: hashAlone = false }: { readonly hash?: boolean },
): Promise<void> {
  const { out } = context
  const { browserFile } = await import('../../../api/preserving/website.ts')
  const file = fileURLToPath(browserFile('reader.html'))
  const sha256 = createHash('sha256')
    .update(await readFile(file))
    .digest('hex')
  if (hashAlone) return out.result({ file, sha256 }, () => `${sha256}\n`)
  const { web, newsletters } = await call(context, 'status', {})
  const { resolveEntry } = await import('../../../engine/library/entry.ts')
  const own = newsletters.filter((it) => it.roles.includes('author'))
  const shown =
    newsletter === undefined
      ? own.length === 1
        ? own[0]
        : undefined
      : resolveEntry(newsletters, newsletter)
  const address = web?.address
  const isOpened = shown !== undefined && web?.newsletters.includes(shown.feedKey) === true
  const link = isOpened ? `${address}#${shown.feedKey}` : address
  await out.result({ file, sha256, address, link }, async () => {
    const { bold } = out.style
    const { qrCode } = await import('../../terminal/qr-code.ts')
    const code = link === undefined ? '' : `${await qrCode(out, link)}${bold('Link')}     ${link}\n`
    return `${code}${bold('Reader')}   ${file}\n${bold('SHA-256')}  ${sha256}\n`
  })
  if (web?.problem !== undefined) await out.warn(`The gateway: ${web.problem}`)
  if (web !== undefined && shown !== undefined && !isOpened) {
    await out.warn(
      `The gateway is not opened for ${nameOf(shown)}: gatewayNewsletters says for which.`,
    )
  }
  if (web === undefined) {
    await out.next('`hyperletter daemon start --gateway 127.0.0.1:8765` opens a gateway.')
  }
}
