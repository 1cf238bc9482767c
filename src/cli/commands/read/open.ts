import { once } from 'node:events'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
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
import { plural, quoteTitle, shortKey } from '../../terminal/format.ts'

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
  await openInBrowser(context, { port, browser, path, opened: { ...opened, number: shown } })
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
