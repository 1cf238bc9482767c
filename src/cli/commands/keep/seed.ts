import { call, type Commands, type Context, withOperations } from '../../context.ts'

export const commands: Commands = {
  seed: (command, bind) =>
    command
      .more('The feed key of a private newsletter is enough.')
      .describeArgument('link', 'link or feed key')
      .examples('hyperletter seed <feed key>', 'hyperletter seed hyperletter://<feed key>')
      .action(bind(seed)),
  unseed: (command, bind) => command.examples('hyperletter unseed ybndrfg8').action(bind(unseed)),
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
      ? 'Run `hyperletter daemon start`: the daemon seeds it.'
      : '`hyperletter status` shows what is stored and served.',
  )
}

async function unseed(context: Context, newsletter: string): Promise<void> {
  const { feedKey } = await call(context, 'unseed', { newsletter })
  await context.out.result({ feedKey }, () => `No longer seeding ${feedKey}.\n`)
}
