import { Option } from 'commander'
import { NOTHING_TO_SEE, singleLine } from '../../../render/plain.ts'
import { complete as completeAt, type Completion } from '../../completion/complete.ts'
import { ADVICE, fromBash, SCRIPTS, type Shell, SHELLS } from '../../completion/shells.ts'
import { type Commands, type Context, loadConfig } from '../../context.ts'

export const commands: Commands = {
  completion: (command, bind) =>
    command
      .describeArgument('shell', 'bash, zsh, fish or powershell', SHELLS)
      .examples('eval "$(hyperletter completion bash)"', ADVICE.bash, ADVICE.fish)
      .action(bind(completion)),
  complete: (command, bind) =>
    command
      .addOption(new Option('--shell <shell>').choices(SHELLS).default('zsh'))
      .option('--word <text>', 'the word with the cursor', '')
      .action(bind(complete)),
}

async function completion({ out }: Context, shell: Shell): Promise<void> {
  await out.text(SCRIPTS[shell])
  if (out.isTerminal) await out.next(ADVICE[shell])
}

/** Nobody waits longer for a Tab. */
const TITLES_TIMEOUT_MS = 1_000

interface Options {
  readonly shell: Shell
  readonly word: string
}

async function complete(
  context: Context,
  given: readonly string[],
  { shell, word: typed }: Options,
): Promise<void> {
  const bash = shell === 'bash' ? fromBash(given, typed) : undefined
  const { words = given, word = typed, cut = 0 } = bash ?? {}
  const program = await context.describe(words)
  // A shell that shows our complaints in the middle of a line helps nobody.
  const found = await completeAt({ program, words, word, titles: () => titles(context) }).catch(
    (): Completion => ({ candidates: [] }),
  )
  const lines = found.candidates.map(({ value, summary }) => {
    const text = singleLine(value.slice(cut))
    return summary === undefined ? text : `${text}\t${singleLine(summary)}`
  })
  if (found.paths !== undefined) lines.push(`:${found.paths}`)
  await context.out.text(lines.map((line) => `${line}\n`).join(''))
}

// Only from a daemon, which answers at once: opening the store would keep it from others.
async function titles(context: Context): Promise<readonly string[]> {
  const { services } = context
  const config = await loadConfig(context)
  if (!(await services.daemonStatus(config)).running) return []
  const signal = AbortSignal.timeout(TITLES_TIMEOUT_MS)
  const { operations, close } = await services.connect(config, { signal })
  try {
    const found = await operations.listNewsletters({}, { signal })
    // One without anything to see is called by its key.
    return found.map(({ title = '', feedKey }) => {
      const shown = singleLine(title)
      return shown === '' || shown === NOTHING_TO_SEE ? feedKey : shown
    })
  } finally {
    await close()
  }
}
