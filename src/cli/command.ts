import { Command } from 'commander'
import { issueNumber } from './arguments.ts'

type Parse = (text: string, before: never) => unknown

/** A command whose arguments stand in its usage line, and whose help ends with examples. */
export class CliCommand extends Command {
  readonly shownExamples: string[] = []

  override createCommand(name?: string): CliCommand {
    return new CliCommand(name)
  }

  /** Adds the arguments of a usage line such as `read <newsletter> [number]`; some names explain themselves. */
  override arguments(names: string): this {
    super.arguments(names)
    for (const it of this.registeredArguments) {
      if (it.name() === 'newsletter') it.description = 'title, key, start of the key, or link'
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
