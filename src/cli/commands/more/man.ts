import type { Command, Option } from 'commander'
import type { CliCommand } from '../../command.ts'
import { type Setting, SETTINGS } from '../../../config/settings.ts'
import { packageVersion } from '../../../version.ts'
import type { Commands, Context } from '../../context.ts'

export const commands: Commands = {
  man: (command, bind) => command.examples('hyperletter man | man -l -').action(bind(man)),
}

async function man({ io, out, describe }: Context): Promise<void> {
  const program = await describe()
  // So that the same source always makes the same page: https://reproducible-builds.org/specs/source-date-epoch/
  const epoch = Number(io.env['SOURCE_DATE_EPOCH'])
  const date = Number.isSafeInteger(epoch) && epoch > 0 ? new Date(epoch * 1_000) : new Date()
  const settingsFile = '~/.config/hyperletter/config.toml'
  await out.text(manualPage({ program, version: packageVersion(), date, settingsFile }))
}

interface ManualOptions {
  readonly program: CliCommand
  readonly version: string
  /** When it was written. */
  readonly date: Date
  /** Where the settings file is looked for, as people write it. */
  readonly settingsFile: string
}

const DESCRIPTION = `A newsletter that its readers carry. An author appends signed issues to an append-only log;
readers replicate it from peer to peer, check every block against one key, and pass it on. There is no server. A
newsletter is named by its title, the beginning of its key, the key, or its link.`

const MAX_LINE_LENGTH = 78

const SETTING_FLAGS = new Set(Object.values(SETTINGS).map(({ flag }) => flag))

/** The manual page, in the language of man(7), from the table of commands and that of settings. */
function manualPage({ program, version, date, settingsFile }: ManualOptions): string {
  const lines = [
    '.\\" Made from the table of commands; see `hyperletter man`.',
    `.TH HYPERLETTER 1 ${date.toISOString().slice(0, 10)} "Hyperletter ${version}" "User Commands"`,
    '.SH NAME',
    'hyperletter \\- newsletters that their readers carry',
    '.SH SYNOPSIS',
    '.B hyperletter',
    '.I command',
    '.RI [ options ]',
    '.SH DESCRIPTION',
    filled(DESCRIPTION),
    '.PP',
    filled('Results go to stdout, everything else to stderr; every command has --json.'),
    '.SH COMMANDS',
    ...commandLines(program),
    '.SH GLOBAL OPTIONS',
    ...program.options.flatMap(optionLines),
    '.SH SETTINGS',
    filled(
      `Each is a flag of \`daemon start\`, \`run\` and \`install\`, some of every command; a variable; or
      a line of the file. The flag weighs more than the variable, and that more than the file.`,
    ),
    ...Object.entries(SETTINGS).flatMap(settingLines),
    '.SH FILES',
    '.TP',
    bold(settingsFile),
    filled('The settings, in TOML. `hyperletter config path` prints its path.'),
    '.TP',
    bold('~/.local/share/hyperletter'),
    filled('Everything else, if no other folder is set: newsletters, keys, log of the daemon.'),
    '.SH ENVIRONMENT',
    filled('Besides the variables of the settings:'),
    '.TP',
    bold('NO_COLOR'),
    filled('If it is not empty, nothing is printed in colours.'),
    '.TP',
    bold('PAGER'),
    filled('What shows long texts on a terminal.'),
    '.SH EXIT STATUS',
    ...exitLines(),
    '.SH SEE ALSO',
    '.BR systemctl (1),',
    '.BR journalctl (1)',
  ]
  return `${lines.join('\n')}\n`
}

function commandLines(program: CliCommand): string[] {
  let group = ''
  return visible(program).flatMap((command) => {
    const heading = command.helpGroup().replace(/:$/, '')
    const isNew = heading !== group && heading !== ''
    group = heading
    const own = command.commands.length > 0 ? visible(command) : [command]
    const lines = own.flatMap((it) => entryLines(it))
    return isNew ? [`.SS ${text(heading)}`, ...lines] : lines
  })
}

function entryLines(command: CliCommand): string[] {
  const details = [
    ...command.registeredArguments.flatMap((it) =>
      it.description === '' ? [] : ['.TP', italic(it.name()), filled(it.description)],
    ),
    ...command.options
      .filter((it) => !it.hidden && !SETTING_FLAGS.has(it.flags))
      .flatMap(optionLines),
  ]
  const hasSettings = command.options.some((it) => SETTING_FLAGS.has(it.flags))
  const examples = command.shownExamples.map((it) => `$ ${it}`)
  return [
    '.TP',
    `${bold(nameOf(command))}${usageOf(command)}`,
    filled(command.description() || command.summary()),
    ...(hasSettings ? ['Each of the settings is an option.'] : []),
    ...(details.length === 0 ? [] : ['.RS', ...details, '.RE']),
    ...(examples.length === 0
      ? []
      : ['.IP', '.EX', ...examples.map((it) => shielded(text(it))), '.EE']),
  ]
}

// `daemon start`: without the name of the program.
function nameOf(command: Command): string {
  const { parent } = command
  return parent === null || parent.parent === null
    ? command.name()
    : `${nameOf(parent)} ${command.name()}`
}

function usageOf(command: Command): string {
  const words = command.registeredArguments.map((it) => {
    const name = italic(`${it.name()}${it.variadic ? '…' : ''}`)
    return it.required ? name : `[${name}]`
  })
  if (command.options.some((it) => !it.hidden)) words.push(`[${italic('options')}]`)
  return words.map((it) => ` ${it}`).join('')
}

function visible(command: CliCommand): readonly CliCommand[] {
  const shown = new Set<unknown>(command.createHelp().visibleCommands(command))
  return (command.commands as CliCommand[]).filter((it) => shown.has(it) && it.name() !== 'help')
}

function optionLines({ flags, description }: Option): string[] {
  return ['.TP', bold(flags), filled(description)]
}

function settingLines([name, { flag, variable, summary }]: [string, Setting<unknown>]): string[] {
  return ['.TP', `${bold(name)}, ${bold(flag)}, ${bold(variable)}`, filled(`${summary}.`)]
}

function exitLines(): string[] {
  const codes = [
    ['0', 'done'],
    ['1', 'failed'],
    ['2', 'wrong usage'],
    ['3', 'not available now, worth retrying'],
    ['130', 'interrupted'],
  ] as const
  return codes.flatMap(([code, meaning]) => ['.TP', bold(code), text(`${meaning}.`)])
}

function bold(words: string): string {
  return `\\fB${text(words)}\\fR`
}

function italic(words: string): string {
  return `\\fI${text(words)}\\fR`
}

// In lines of the length that the language asks for.
function filled(words: string): string {
  const lines: string[] = []
  for (const word of words.trim().split(/\s+/).map(text)) {
    const last = lines.pop()
    if (last === undefined) lines.push(word)
    else if (last.length + 1 + word.length > MAX_LINE_LENGTH) lines.push(last, word)
    else lines.push(`${last} ${word}`)
  }
  return lines.map(shielded).join('\n')
}

// Hyphens become minus signs, which can be copied.
function text(words: string): string {
  const ascii = words.replaceAll('\\', '\\e').replaceAll('-', '\\-')
  return ascii.replace(/[^\u0000-\u007f]/gu, (it) => {
    const code = it.codePointAt(0) ?? 0
    return `\\[u${code.toString(16).toUpperCase().padStart(4, '0')}]`
  })
}

// A dot or a quotation mark at the start would be a request.
function shielded(line: string): string {
  return line.replace(/^(?=[.'])/, '\\&')
}
