import { Option, type Command } from 'commander'
import { singleLine } from '../../../render/plain.ts'
import type { Bind } from '../../command.ts'
import { complete as completeAt, type Completion } from '../../completion/complete.ts'
import { fromBash, SHELLS, type Shell } from '../../completion/shells.ts'
import { loadConfig, type Context } from '../../context.ts'

/** Nobody waits longer for a Tab. */
const TITLES_TIMEOUT_MS = 1_000

interface Options {
  readonly shell: Shell
  readonly word: string
}

/** What the scripts of `completion` ask. */
export function register(program: Command, bind: Bind): void {
  program
    .command('complete', { hidden: true })
    .argument('[words...]')
    .description('Say what can stand at the cursor; asked by the scripts of `completion`.')
    .addOption(new Option('--shell <shell>').choices(SHELLS).default('zsh'))
    .option('--word <text>', 'the word with the cursor', '')
    .action(bind(complete))
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
    return found.map(({ title, feedKey }) => singleLine(title ?? feedKey))
  } finally {
    await close()
  }
}
