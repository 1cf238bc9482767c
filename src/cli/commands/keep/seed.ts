import type { Command } from 'commander'
import { examples, type Bind } from '../../command.ts'
import { withOperations, type Context } from '../../context.ts'

export function register(program: Command, bind: Bind): void {
  program
    .command('seed')
    .description('Keep a newsletter alive without following it: fetch it and pass it on.')
    .argument('<link>', 'link or feed key; the feed key of a private newsletter is enough')
    .addHelpText(
      'after',
      examples('hyperletter seed <feed key>', 'hyperletter seed hyperletter://<feed key>'),
    )
    .action(bind(seed))
}

async function seed(context: Context, link: string): Promise<void> {
  const { io, out } = context
  const { feedKey, via } = await withOperations(context, async (operations, host) => ({
    ...(await operations.seed({ link }, { signal: io.signal })),
    via: host,
  }))
  await out.result({ feedKey }, () => `Seeding ${feedKey}.\n`)
  await out.next(
    via === 'engine'
      ? 'Run `hyperletter daemon start`: seeding goes on while the daemon runs.'
      : '`hyperletter status` shows how much is held and passed on.',
  )
}
