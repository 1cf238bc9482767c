import type { Command } from 'commander'
import { examples, type Bind } from '../../command.ts'
import { withOperations, type Context } from '../../context.ts'
import { quoteTitle, shortKey } from '../../terminal/format.ts'

export function register(program: Command, bind: Bind): void {
  program
    .command('unsubscribe')
    .description('Stop following a newsletter.')
    .argument('<newsletter>', 'title, key, start of the key, or link')
    .addHelpText(
      'after',
      examples('hyperletter unsubscribe "Tide Tables"', 'hyperletter unsubscribe ybndrfg8'),
    )
    .action(bind(unsubscribe))
}

async function unsubscribe(context: Context, newsletter: string): Promise<void> {
  const left = await withOperations(context, (operations) =>
    operations.unsubscribe({ newsletter }, { signal: context.io.signal }),
  )
  const name = left.title === undefined ? shortKey(left.feedKey) : quoteTitle(left.title)
  await context.out.result(left, () => `Unsubscribed from ${name}.\n`)
}
