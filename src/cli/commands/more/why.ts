import type { Command } from 'commander'
import type { Output as OperationOutput } from '../../../api/contract/contract.ts'
import { examples, type Bind } from '../../command.ts'
import { withOperations, type Context } from '../../context.ts'
import { quoteTitle, shortKey } from '../../terminal/format.ts'

type Explanation = OperationOutput<'explainNewsletter'>

export function register(program: Command, bind: Bind): void {
  program
    .command('why')
    .description('Say why a newsletter is not complete here, or that it is.')
    .argument('<newsletter>', 'title, key, start of the key, or link')
    .addHelpText('after', examples('hyperletter why "Tide Tables"', 'hyperletter why tide --json'))
    .action(bind(why))
}

async function why(context: Context, newsletter: string): Promise<void> {
  const { io, out } = context
  const it = await withOperations(context, (operations) =>
    operations.explainNewsletter({ newsletter }, { signal: io.signal }),
  )
  const { bold, green, yellow } = out.style
  await out.result(it, () => {
    const name = it.title === undefined ? shortKey(it.feedKey) : quoteTitle(it.title)
    const held = `${it.heldBlocks} of ${it.length} blocks, ${it.peers} ${it.peers === 1 ? 'peer' : 'peers'} connected`
    const head = `${bold(name)}: ${it.complete ? green('complete') : yellow('not complete')} (${held})\n`
    return head + it.reasons.map(({ message }) => `  ${message}\n`).join('')
  })
  const step = nextStep(it)
  if (step !== undefined) await out.next(step)
}

// The first reason weighs most.
function nextStep({ reasons }: Explanation): string | undefined {
  return reasons.find(({ next }) => next !== undefined)?.next
}
