import type { Command } from 'commander'
import { singleLine } from '../../reader/plain.ts'
import { examples, type Bind } from '../command.ts'
import { withOperations, type Context } from '../context.ts'
import { formatDate } from '../terminal/format.ts'

export function register(program: Command, bind: Bind): void {
  program
    .command('watch')
    .description('Print issues as they arrive, one a line, until interrupted.')
    .argument('[newsletter]', 'only of this one: title, key, start of the key, or link')
    .addHelpText(
      'after',
      examples(
        'hyperletter watch',
        'hyperletter watch "Tide Tables" --json | while read issue; do notify-send "$issue"; done',
      ),
    )
    .action(bind(watch))
}

async function watch(context: Context, newsletter: string | undefined): Promise<void> {
  const { io, out, options } = context
  await out.note('Waiting for new issues; Ctrl-C ends it.')
  await withOperations(context, async (operations) => {
    const input = newsletter === undefined ? {} : { newsletter }
    for await (const issue of operations.watchIssues(input, { signal: io.signal })) {
      if (options.json === true) {
        await out.json(issue)
      } else {
        const { bold, cyan, dim } = out.style
        const place = cyan(`${singleLine(issue.newsletter)} #${issue.number}`)
        const date = dim(formatDate(issue.publishedAt))
        await out.text(`${place}  ${bold(singleLine(issue.title))}  ${date}\n`)
      }
    }
  })
  // It has no other end than an interruption, whichever way the operation tells of it.
  io.signal.throwIfAborted()
}
