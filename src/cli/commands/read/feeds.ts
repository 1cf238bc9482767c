import { Option } from 'commander'
import type { AllAddresses } from '../../../site/syndication/addresses.ts'
import { type Commands, type Context, withConnection } from '../../context.ts'

interface Options {
  readonly complete?: boolean
  readonly opml?: boolean
}

const register: Commands[string] = (command, bind) =>
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

export const commands: Commands = { 'web-feeds': register, feeds: register }

async function feeds(context: Context, { complete = false, opml = false }: Options): Promise<void> {
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
