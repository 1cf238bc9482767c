import { Command, InvalidArgumentError, type ParseOptionsResult } from 'commander'
import { parseUnread, type Unread } from '../config/values.ts'
import { invalidInput } from '../errors.ts'
import { WITHHELD_KINDS, type WithheldKind } from '../sources/source.ts'

/** What names a newsletter of this author. */
export const OWN_NEWSLETTER = 'one of yours: part of its title, or start of its key'

/** What names any newsletter. */
export const ANY_NEWSLETTER = 'part of its title, start of its key, or link'

const WHAT_FORCE_DOES = `
A device that may lack issues first asks readers and fetches the missing ones. If nobody answers,
the command fails. --force publishes without asking: if a reader has issues that are missing here,
the newsletter forks, and readers refuse the new issues.
`

type Parse = (text: string, before: never) => unknown

/** A command whose arguments stand in its usage line, and whose help ends with examples. */
export class CliCommand extends Command {
  readonly shownExamples: string[] = []

  override createCommand(name?: string): CliCommand {
    return new CliCommand(name)
  }

  /** Refuses `--site --json`, which would write a website into a folder called `--json`. */
  override parseOptions(argv: string[]): ParseOptionsResult {
    const own = [...this.options, ...(this.parent?.options ?? [])].map(({ long }) => long)
    const known = new Set<string | undefined>([...own, '--help', '--'])
    for (const [at, word] of argv.entries()) {
      if (word === '--') break
      const option = this.options.find((it) => it.required && it.long === word)
      if (option !== undefined && known.has(argv[at + 1]))
        this.error(`error: option '${option.flags}' argument missing`, {
          code: 'commander.optionMissingArgument',
        })
    }
    return super.parseOptions(argv)
  }

  /** Adds the arguments of a usage line such as `read <newsletter> [number]`; some names explain themselves. */
  override arguments(names: string): this {
    super.arguments(names)
    for (const it of this.registeredArguments) {
      if (it.name() === 'newsletter') it.description = ANY_NEWSLETTER
      if (it.name() === 'number' && !it.variadic)
        this.describeArgument('number', 'issue number', issueNumber)
    }
    return this
  }

  /** Says what an argument is, and how it is parsed or what it may be. */
  describeArgument(name: string, words: string, parse?: Parse | readonly string[]): this {
    const argument = this.registeredArguments.find((it) => it.name() === name)
    if (argument === undefined) throw new Error(`${this.name()} has no argument ${name}`)
    argument.description = words
    if (typeof parse === 'function') {
      argument.argParser(parse as (text: string, before: unknown) => unknown)
    } else if (parse !== undefined) argument.choices(parse)
    return this
  }

  /** Adds `--timeout`. @param what is given up after that time. */
  timeout(what: string): this {
    return this.option('--timeout <seconds>', `${what} after this number of seconds`, seconds)
  }

  /** Adds `--unread`, to a command that follows newsletters. */
  unreadAtFirst(): this {
    return this.option(
      '--unread <n|all>',
      'how many of its newest issues are unread at first (HYPERLETTER_UNREAD; default: 3)',
      (text): Unread => parseUnread(text),
    )
  }

  /** Adds `--include`, `--keep-location`, `--site-root` and `--site-url`, to a command that reads texts of a site. */
  ofSite(): this {
    const kinds = WITHHELD_KINDS.join(', ')
    return this.option('--include <kinds>', `also publish: ${kinds}`, withheldKinds)
      .option('--keep-location', 'keep the places where pictures were taken')
      .option('--site-root <folder>', 'look for pictures and linked files in this folder, too')
      .option('--site-url <address>', 'where the site was: links to pages of it lead there')
  }

  /** Adds `--force`, to a command that publishes. */
  force(): this {
    const flag = 'publish without asking readers for missing issues; may fork the newsletter'
    return this.option('--force', flag).details(WHAT_FORCE_DOES)
  }

  /** Adds sentences to the summary, above the options. */
  more(text: string): this {
    return this.description(`${this.description()} ${text}`)
  }

  /** Adds paragraphs below the options, wrapped to the width of the help. */
  details(text: string): this {
    return this.addHelpText('after', () => `\n${this.wrapped(text)}`)
  }

  /** Paragraphs, with an empty line between them, as lines of the width of the help. */
  wrapped(text: string): string {
    const help = this.createHelp()
    const width = this.configureOutput().getOutHelpWidth?.() ?? 80
    const paragraphs = text.trim().split(/\n\n/)
    return paragraphs.map((it) => help.boxWrap(it.replaceAll('\n', ' '), width)).join('\n\n')
  }

  /** Adds command lines at the end of the help. */
  examples(...lines: readonly string[]): this {
    this.shownExamples.push(...lines)
    return this.addHelpText(
      'after',
      `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}`,
    )
  }
}

/** Longest wait that can be asked for: a day. */
const MAX_SECONDS = 86_400

/** Parses the number of an issue, with or without `#` before it. */
export function issueNumber(text: string): number {
  return wholeNumber(1, Number.MAX_SAFE_INTEGER)(text.replace(/^#/, ''))
}

/** Parses a day, or the first one of a month or year. @returns `2026-03-20` */
export function day(text: string): string {
  const {
    year,
    month = '01',
    date = '01',
  } = /^(?<year>\d{4})(?:-(?<month>\d{2})(?:-(?<date>\d{2}))?)?$/.exec(text)?.groups ?? {}
  const found = `${year}-${month}-${date}`
  const time = new Date(`${found}T00:00:00Z`)
  // Dates of February 30 and the like become others.
  if (!Number.isNaN(time.getTime()) && time.toISOString().startsWith(found)) return found
  throw new InvalidArgumentError('Give a date as 2026-03-20, 2026-03 or 2026.')
}

/** Parses a number of seconds, fractions allowed. */
export function seconds(text: string): number {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN
  if (value > 0 && value <= MAX_SECONDS) return value
  throw new InvalidArgumentError(`Give seconds, more than 0 and at most ${MAX_SECONDS}.`)
}

/** Parses kinds of what an import leaves out. */
function withheldKinds(text: string): WithheldKind[] {
  return text.split(',').map((word) => {
    const kind = WITHHELD_KINDS.find((it) => it === word.trim())
    if (kind !== undefined) return kind
    throw invalidInput(`"${word.trim()}" is not left out by an import.`, {
      hint: `Name some of ${WITHHELD_KINDS.join(', ')}, with commas between them.`,
    })
  })
}

/** Collects the values of an option that may be given more than once. */
export function collect<T>(parse: (text: string) => T) {
  return (text: string, before: readonly T[] | undefined): T[] => [...(before ?? []), parse(text)]
}

/** Parses `Name` or `Name <https://…>`. */
export function author(text: string): { name: string; url?: string } {
  const { name = '', url } = /^(?<name>[^<>]*?)\s*(?:<(?<url>[^<>]*)>)?$/.exec(text)?.groups ?? {}
  if (name === '') throw new InvalidArgumentError('Write "Name" or "Name <https://…>".')
  return url === undefined ? { name } : { name, url }
}

/** Refuses what is no BCP 47 language tag; nothing stays nothing. */
export function languageTag(text: string): string {
  try {
    if (text !== '') Intl.getCanonicalLocales(text)
    return text
  } catch {
    throw new InvalidArgumentError('Not a language tag; try en or pt-BR.')
  }
}

/** Makes a parser of whole numbers. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
    if (value >= least && value <= most) return value
    const range = most === Number.MAX_SAFE_INTEGER ? `from ${least}` : `from ${least} to ${most}`
    throw new InvalidArgumentError(`Give a whole number ${range}.`)
  }
}
