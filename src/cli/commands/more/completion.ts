import { Option, type Argument, type Command } from 'commander'
import { NOTHING_TO_SEE, singleLine } from '../../../render/plain.ts'
import { ADVICE, fromBash, SCRIPTS, type Shell, SHELLS } from './shells.ts'
import { type Commands, type Context, loadConfig } from '../../context.ts'
import { LOG_LEVELS } from '../../../config/values.ts'

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

const TITLES_TIMEOUT_MS = 1_000

async function complete(
  context: Context,
  given: readonly string[],
  { shell, word: typed }: { readonly shell: Shell; readonly word: string },
): Promise<void> {
  const bash = shell === 'bash' ? fromBash(given, typed) : undefined
  const { words = given, word = typed, cut = 0 } = bash ?? {}
  const program = await context.describe(words)
  // An error would appear in the middle of the line that is being typed.
  const found = await completionAt({ program, words, word, titles: () => titles(context) }).catch(
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

/** One way to go on, as it would be typed without quotation marks. */
interface Candidate {
  readonly value: string
  readonly summary?: string
}

/** What can stand where the cursor is. */
interface Completion {
  /** Names of files or folders fit as well; the shell knows them better. */
  readonly paths?: 'files' | 'folders'
  readonly candidates: readonly Candidate[]
}

interface CompletionOptions {
  /** The program with its commands; those among `words` with all that belongs to them. */
  readonly program: Command
  /** What stands before the word with the cursor, without the name of the program. */
  readonly words: readonly string[]
  /** The word with the cursor, as far as it is typed. */
  readonly word: string
  /** The titles of newsletters; asked for only where one can stand. */
  readonly titles: () => Promise<readonly string[]>
}

/** What the line says before the cursor. */
interface Place {
  readonly command: Command
  /** How many arguments of it there are. */
  readonly position: number
  /** The option whose value comes next. */
  readonly option: Option | undefined
  readonly onlyArguments: boolean
}

/** Names of arguments and of values of options that are files or folders. */
const FILES = new Set(['file', 'path'])
const FOLDERS = new Set(['folder'])

const NOTHING: Completion = { candidates: [] }

/** What can stand at the cursor, by the table of commands. */
async function completionAt(options: CompletionOptions): Promise<Completion> {
  const { program, words, word, titles: titlesOf } = options
  const { command, position, option, onlyArguments } = placeOf(program, words)
  if (option !== undefined) return values(option, word, titlesOf)
  const given = /^(?<flag>--[^=]+)=(?<text>.*)$/s.exec(word)?.groups
  if (!onlyArguments && given !== undefined) {
    const found = findOption(program, command, given['flag'] ?? '')
    if (found === undefined) return NOTHING
    const { candidates, ...rest } = await values(found, given['text'] ?? '', titlesOf)
    const whole = candidates.map((it) => ({ ...it, value: `${given['flag']}=${it.value}` }))
    return { ...rest, candidates: whole }
  }
  if (!onlyArguments && word.startsWith('-')) return flags(program, command, word)
  if (position === 0 && command.commands.length > 0) return subcommands(command, word)
  const argument = argumentAt(command, position)
  return argument === undefined ? NOTHING : values(argument, word, titlesOf)
}

function placeOf(program: Command, words: readonly string[]): Place {
  let command = program
  let position = 0
  let option: Option | undefined
  let onlyArguments = false
  for (const word of words) {
    if (option !== undefined) option = undefined
    else if (onlyArguments) position++
    else if (word === '--') onlyArguments = true
    else if (word.startsWith('-') && word !== '-') {
      const found = word.includes('=') ? undefined : findOption(program, command, word)
      if (found?.required === true) option = found
    } else {
      const sub = position === 0 ? subcommand(command, word) : undefined
      if (sub === undefined) position++
      else command = sub
    }
  }
  return { command, position, option, onlyArguments }
}

// What follows `help` is one of the same commands.
function subcommand(command: Command, word: string): Command | undefined {
  if (command.commands.length > 0 && word === 'help') return command
  return visible(command).find((it) => it.name() === word || it.aliases().includes(word))
}

function findOption(program: Command, command: Command, flag: string): Option | undefined {
  return [...command.options, ...program.options].find(
    ({ short, long }) => flag === short || flag === long,
  )
}

function flags(program: Command, command: Command, word: string): Completion {
  const all = [...command.options, ...(command === program ? [] : program.options)]
  const own = all
    .filter((it) => !it.hidden && it.long !== undefined)
    .map((it) => ({ value: it.long ?? '', summary: it.description }))
  return { candidates: starting([...own, { value: '--help', summary: 'show help' }], word) }
}

function subcommands(command: Command, word: string): Completion {
  const own = visible(command).map((it) => ({
    value: it.name(),
    summary: it.summary() || it.description(),
  }))
  return { candidates: starting(own, word) }
}

function visible(command: Command): readonly Command[] {
  return command.createHelp().visibleCommands(command)
}

function argumentAt(command: Command, position: number): Argument | undefined {
  const { registeredArguments: all } = command
  const last = all.at(-1)
  return all[position] ?? (last?.variadic === true ? last : undefined)
}

async function values(
  of: Option | Argument,
  word: string,
  titlesOf: CompletionOptions['titles'],
): Promise<Completion> {
  const name = nameOf(of)
  if (FILES.has(name)) return { paths: 'files', candidates: [] }
  if (FOLDERS.has(name)) return { paths: 'folders', candidates: [] }
  if (name === 'newsletter') {
    const lower = word.toLocaleLowerCase()
    const fitting = (await titlesOf()).filter((it) => it.toLocaleLowerCase().startsWith(lower))
    return { candidates: fitting.map((value) => ({ value })) }
  }
  const choices = of.argChoices ?? (name === 'level' ? LOG_LEVELS : name.split('|'))
  if (choices.length < 2) return NOTHING
  return {
    candidates: starting(
      choices.map((value) => ({ value })),
      word,
    ),
  }
}

// `<file>` of an option stands behind its flag.
function nameOf(of: Option | Argument): string {
  if (!('flags' in of)) return of.name()
  return /[<[](?<name>[^>\]]+)[>\]]/.exec(of.flags)?.groups?.['name']?.replace(/\.\.\.$/, '') ?? ''
}

function starting(candidates: readonly Candidate[], word: string): readonly Candidate[] {
  return candidates.filter(({ value }) => value.startsWith(word))
}
