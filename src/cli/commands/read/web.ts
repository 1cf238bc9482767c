import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { Option } from 'commander'
import type { AllAddresses } from '../../../site/syndication/addresses.ts'
import { call, type Commands, type Context, withConnection } from '../../context.ts'
import { nameOf } from '../../terminal/format.ts'

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
  'web-feeds': registerFeeds,
  // Its former name, which scripts have.
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

async function feeds(
  context: Context,
  { complete = false, opml = false }: { readonly complete?: boolean; readonly opml?: boolean },
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
  if (via === 'engine') await out.next('Run `hyperletter daemon start` to serve these addresses.')
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

function listing({ out }: Context, addresses: AllAddresses, complete: boolean): string {
  const { everything, newsletters } = addresses
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
    const code = link === undefined ? '' : `${await out.qrCode(link)}${bold('Link')}     ${link}\n`
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
