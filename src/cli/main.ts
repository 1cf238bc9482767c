import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CommanderError, type Command as CommanderCommand } from 'commander'
import { HyperletterError, invalidInput } from '../errors.ts'
import type { CliCommand } from './command.ts'
import { lazyServices, type Body, type Io, type Services, settingsIn } from './context.ts'
import { type GlobalOptions, OutputClosed, Printer } from './output.ts'
import { shellWord } from './terminal/format.ts'
import { addCommands, commandNames, createProgram, WELCOME } from './program.ts'

export { wholeWrites } from './output.ts'

/**
 * Runs one command line.
 * @param argv The arguments after the name of the program.
 * @returns The exit code: 0 done, 1 failed, 2 wrong usage, 3 not available now, 130 interrupted.
 */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const printed = { out: '', err: '' }
  let exitCode = 0
  let named: readonly string[] = []
  const services = { ...lazyServices, ...io.services }
  const bind =
    <A extends unknown[]>(body: Body<A>) =>
    async (...args: unknown[]) => {
      // Commander hands over the command last, after its arguments and options.
      const command = args.pop() as CliCommand
      const options = command.optsWithGlobals<GlobalOptions>()
      const context = { io, options, out: new Printer(io, options), services, describe }
      try {
        exitCode = (await body(context, ...(args as A))) ?? 0
      } catch (error) {
        throw withNewsletter(error, command)
      }
    }
  const program = createProgram({
    out: (text) => void (printed.out += text),
    err: (text) => void (printed.err += text),
    columns: io.stdout.isTTY === true ? io.stdout.columns : undefined,
  })
  // Streams fail by an event as well as by the callback of a write; the callback is enough.
  const ignore = () => {}
  for (const stream of [io.stdout, io.stderr]) stream.on('error', ignore)
  try {
    const { operands, unknown } = program.parseOptions([...argv])
    const isHelp = operands[0] === 'help'
    named = isHelp ? operands.slice(1) : operands
    if (operands.length === 0 && unknown.length === 0) {
      const isReader = await readsHere(io, program.opts<GlobalOptions>(), services)
      if (!isReader) printed.out = WELCOME
      else {
        await addCommands(program, ['inbox'], bind)
        await program.parseAsync([...argv, 'inbox'], { from: 'user' })
      }
    } else {
      await addCommands(program, operands, bind)
      const asked = isHelp ? [...named, '--help'] : argv
      await program.parseAsync(unknownCommand(program, named) ?? asked, { from: 'user' })
    }
  } catch (error) {
    const mistaken = pathOf(program, named)
    exitCode = await report(
      error,
      new Printer(io, outputOptions(argv)),
      printed,
      io.signal,
      mistaken,
    )
  } finally {
    const out = new Printer(io, outputOptions(argv))
    await out.text(printed.out).catch(async (error: unknown) => {
      exitCode = await report(error, out, printed, io.signal)
    })
    for (const stream of [io.stdout, io.stderr]) stream.off('error', ignore)
  }
  return exitCode
}

/** Whether somebody at a terminal follows something: then the name of the program alone shows what there is to read. */
async function readsHere(io: Io, options: GlobalOptions, services: Services): Promise<boolean> {
  if (io.stdin.isTTY !== true || io.stdout.isTTY !== true || options.json === true) return false
  try {
    const { dataDir } = await services.loadConfig(settingsIn(options), io.env)
    // The copy of the library is read faster than the library is opened.
    return (await readFile(join(dataDir, 'library.json'), 'utf8')).includes('"subscriber"')
  } catch {
    return false
  }
}

async function describe(wanted: readonly string[] = commandNames()): Promise<CliCommand> {
  const program = createProgram({ out: () => undefined, err: () => undefined })
  await addCommands(program, wanted, () => () => Promise.resolve())
  return program
}

async function report(
  error: unknown,
  out: Printer,
  printed: { readonly err: string },
  signal: AbortSignal,
  mistaken: readonly string[] = [],
): Promise<number> {
  if (error instanceof OutputClosed) return 0
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0
    // A group such as `daemon` without a command: its help says more than a complaint.
    if (error.code === 'commander.help') await out.help(printed.err)
    else await out.error(wrongUsage(error, mistaken))
    return 2
  }
  // Whatever failed after the user interrupted failed because of that.
  const failure = signal.aborted
    ? new HyperletterError('ABORTED', 'Interrupted.', { cause: error })
    : HyperletterError.from(translated(error))
  await out.error(failure)
  return failure.exitCode
}

// Failures of this process and its environment, whichever command meets them.
function translated(error: unknown): unknown {
  const library = missingLibrary(error)
  if (library !== undefined) {
    return new HyperletterError('MISSING_LIBRARY', `A system library is missing: ${library}.`, {
      hint: `Install the package that has it, on Debian for example: apt install ${library.replace(/\.so\.?/, '')}`,
      cause: error,
    })
  }
  if ((error as { syscall?: unknown } | undefined)?.syscall !== 'uv_cwd') return error
  return invalidInput('The working directory no longer exists.', {
    hint: 'Change to another folder, or give absolute paths.',
    cause: error,
  })
}

// The loader of Linux says `libatomic.so.1: cannot open shared object file: No such file or directory`.
function missingLibrary(error: unknown): string | undefined {
  for (let it = error; it instanceof Error; it = it.cause) {
    const found = /(?<name>lib[\w.+-]+): cannot open shared object file/.exec(it.message)
    if (found !== null) return found.groups?.['name']
  }
  return undefined
}

function wrongUsage(error: CommanderError, mistaken: readonly string[]): HyperletterError {
  const message = error.message.replace(/^error: /, '')
  const hint =
    mistaken.length === 0
      ? 'Run `hyperletter --help` for all commands.'
      : `Run \`hyperletter ${mistaken.join(' ')} --help\` for its options and examples.`
  const words = capitalize(message.replace(/\s*\n\s*/g, '. '))
  return invalidInput(words, { hint })
}

/** The names of the command that operands begin with: none, one, or those of a group and its command. */
function pathOf(program: CliCommand, operands: readonly string[]): string[] {
  const names: string[] = []
  let commands = program.commands
  for (const operand of operands) {
    const found = commands.find((it) => it.name() === operand)
    if (found === undefined) break
    names.push(operand)
    ;({ commands } = found)
  }
  return names
}

/**
 * The names up to that of a command which does not exist, as in `help pubish` and `pubish --help`: Commander shows the help of
 * all commands then, as if nothing were wrong.
 */
function unknownCommand(program: CliCommand, operands: readonly string[]): string[] | undefined {
  const known = pathOf(program, operands)
  const name = operands[known.length]
  const within = known.reduce<CommanderCommand | undefined>(
    (above, it) => above?.commands.find((command) => command.name() === it),
    program,
  )
  const isUnknown = name !== undefined && name !== 'help' && within?.commands.length !== 0
  return isUnknown ? [...known, name] : undefined
}

function capitalize(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

/** The same failure, whose next step names the newsletter that the command was given: it can be pasted. */
function withNewsletter(error: unknown, { registeredArguments, args }: CliCommand): unknown {
  const given = args[registeredArguments.findIndex((it) => it.name() === 'newsletter')]
  if (!(error instanceof HyperletterError) || given === undefined) return error
  const hint = error.hint?.replaceAll('<newsletter>', () => shellWord(given))
  if (hint === error.hint) return error
  return new HyperletterError(error.code, error.message, { hint, cause: error })
}

// The form of the output must be known even if the arguments cannot be parsed.
function outputOptions(argv: readonly string[]) {
  const before = argv.includes('--') ? argv.slice(0, argv.indexOf('--')) : argv
  return {
    json: before.includes('--json'),
    quiet: before.includes('--quiet'),
    color: !before.includes('--no-color'),
    verbose: before.includes('--verbose'),
  }
}
