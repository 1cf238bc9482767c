import type { Argument, Command, Option } from 'commander'
import { LOG_LEVELS } from '../../config/values.ts'

/** One way to go on, as it would be typed without quotation marks. */
interface Candidate {
  readonly value: string
  readonly summary?: string
}

/** What can stand where the cursor is. */
export interface Completion {
  /** Names of files or folders fit as well; the shell knows them better. */
  readonly paths?: 'files' | 'folders'
  readonly candidates: readonly Candidate[]
}

interface CompleteOptions {
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
export async function complete(options: CompleteOptions): Promise<Completion> {
  const { program, words, word, titles } = options
  const { command, position, option, onlyArguments } = placeOf(program, words)
  if (option !== undefined) return values(option, word, titles)
  const given = /^(?<flag>--[^=]+)=(?<text>.*)$/s.exec(word)?.groups
  if (!onlyArguments && given !== undefined) {
    const found = findOption(program, command, given['flag'] ?? '')
    if (found === undefined) return NOTHING
    const { candidates, ...rest } = await values(found, given['text'] ?? '', titles)
    const whole = candidates.map((it) => ({ ...it, value: `${given['flag']}=${it.value}` }))
    return { ...rest, candidates: whole }
  }
  if (!onlyArguments && word.startsWith('-')) return flags(program, command, word)
  if (position === 0 && command.commands.length > 0) return commands(command, word)
  const argument = argumentAt(command, position)
  return argument === undefined ? NOTHING : values(argument, word, titles)
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

function commands(command: Command, word: string): Completion {
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
  titles: CompleteOptions['titles'],
): Promise<Completion> {
  const name = nameOf(of)
  if (FILES.has(name)) return { paths: 'files', candidates: [] }
  if (FOLDERS.has(name)) return { paths: 'folders', candidates: [] }
  if (name === 'newsletter') {
    const lower = word.toLocaleLowerCase()
    const fitting = (await titles()).filter((it) => it.toLocaleLowerCase().startsWith(lower))
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
