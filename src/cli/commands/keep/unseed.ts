import type { Command } from 'commander'
import { examples, type Bind } from '../../command.ts'
import { withOperations, type Context } from '../../context.ts'

export function register(program: Command, bind: Bind): void {
  program
    .command('unseed')
    .description('Stop seeding a newsletter.')
    .argument('<newsletter>', 'title, key, start of the key, or link')
    .addHelpText('after', examples('hyperletter unseed ybndrfg8'))
    .action(bind(unseed))
}

async function unseed(context: Context, newsletter: string): Promise<void> {
  const { feedKey } = await withOperations(context, (operations) =>
    operations.unseed({ newsletter }, { signal: context.io.signal }),
  )
  await context.out.result({ feedKey }, () => `No longer seeding ${feedKey}.\n`)
}
