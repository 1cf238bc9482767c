import type { Command } from 'commander'
import { examples, type Bind } from '../../command.ts'
import type { Context } from '../../context.ts'
import { manualPage } from '../../manual.ts'
import { packageVersion } from '../../../version.ts'

export function register(program: Command, bind: Bind): void {
  program
    .command('man')
    .description('Print the manual page.')
    .addHelpText('after', examples('hyperletter man | man -l -'))
    .action(bind(man))
}

async function man({ io, out, describe }: Context): Promise<void> {
  const program = await describe()
  // So that the same source always makes the same page: https://reproducible-builds.org/specs/source-date-epoch/
  const epoch = Number(io.env['SOURCE_DATE_EPOCH'])
  const date = Number.isSafeInteger(epoch) && epoch > 0 ? new Date(epoch * 1_000) : new Date()
  const settingsFile = '~/.config/hyperletter/config.toml'
  await out.text(manualPage({ program, version: packageVersion(), date, settingsFile }))
}
