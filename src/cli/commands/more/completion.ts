import { Argument, type Command } from 'commander'
import { examples, type Bind } from '../../command.ts'
import { ADVICE, SCRIPTS, SHELLS, type Shell } from '../../completion/shells.ts'
import type { Context } from '../../context.ts'

export function register(program: Command, bind: Bind): void {
  program
    .command('completion')
    .addArgument(new Argument('<shell>', 'whose language it is written in').choices(SHELLS))
    .description('Print what teaches a shell to complete commands, options and titles.')
    .addHelpText(
      'after',
      examples('eval "$(hyperletter completion bash)"', ADVICE.bash, ADVICE.fish),
    )
    .action(bind(completion))
}

async function completion({ out }: Context, shell: Shell): Promise<void> {
  await out.text(SCRIPTS[shell])
  if (out.isTerminal) await out.next(ADVICE[shell])
}
