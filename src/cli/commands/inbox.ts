import type { Command } from 'commander'
import { examples, type Bind } from '../command.ts'
import { withOperations, type Context } from '../context.ts'
import { formatDate, shortKey } from '../terminal/format.ts'
import { formatTable } from '../terminal/table.ts'

export function register(program: Command, bind: Bind): void {
  program
    .command('inbox')
    .description('List unread issues of all your subscriptions, newest first.')
    .addHelpText('after', examples('hyperletter inbox', 'hyperletter inbox --json'))
    .action(bind(inbox))
}

async function inbox(context: Context): Promise<void> {
  const { io, out } = context
  const { unread, subscriptions } = await withOperations(context, async (operations) => {
    const found = await operations.listInbox({}, { signal: io.signal })
    // Nothing unread may mean that all is read, or that nothing is followed: two different next steps.
    const all = found.length > 0 ? [] : await operations.listNewsletters({}, { signal: io.signal })
    return {
      unread: found,
      subscriptions: all.filter(({ roles }) => roles.includes('subscriber')).length,
    }
  })
  const { bold, cyan, dim, yellow } = out.style
  await out.result(unread, () =>
    unread.length === 0
      ? 'Nothing unread.\n'
      : formatTable(
          [{}, { shrink: true }, { align: 'right' }, { shrink: true }, {}],
          unread.map((it) => [
            { text: it.held ? '' : '○', style: yellow },
            { text: it.newsletter, style: cyan },
            String(it.number),
            { text: it.title, style: bold },
            { text: formatDate(it.publishedAt), style: dim },
          ]),
          { width: out.width },
        ),
  )
  const first = unread[0]
  if (first !== undefined) {
    if (out.isTerminal && unread.some(({ held }) => !held)) {
      await out.note('○ not on this machine yet')
    }
    await out.next(`hyperletter read ${shortKey(first.feedKey)} ${first.number}`)
  } else if (subscriptions === 0) {
    await out.next('`hyperletter subscribe <link>` to follow a newsletter.')
  }
}
