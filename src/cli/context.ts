import type { EventEmitter } from 'node:events'
import type { Connection, ConnectOptions } from '../connect.ts'
import type { Input, OperationName, Operations, Output } from '../api/contract/contract.ts'
import type { OperationKinds } from '../api/kinds.ts'
import { callByName } from '../api/map-operations.ts'
import type { Config } from '../config/config.ts'
import type { CliCommand } from './command.ts'
import type { GlobalOptions, OutputStream, Printer } from './output.ts'
import type { Command } from 'commander'
import { type Settings, SETTING_NAMES, SETTINGS } from '../config/settings.ts'
import { defined } from '../defined.ts'
import { HyperletterError } from '../errors.ts'
import { lazy } from '../async.ts'
import { nameOf } from './terminal/format.ts'

/** A stream to read from; a terminal if `isTTY`. */
export interface InputStream extends NodeJS.ReadableStream {
  readonly isTTY?: boolean
}

/** Everything that a run of the command line touches outside of itself. */
export interface Io {
  readonly stdin: InputStream
  readonly stdout: OutputStream
  readonly stderr: OutputStream
  readonly env: NodeJS.ProcessEnv
  /** The directory that relative paths start from; empty where it was deleted. */
  readonly cwd: string
  /** Aborted when the user interrupts. */
  readonly signal: AbortSignal
  /** Emits `hangup` when a service manager asks to read the configuration again. */
  readonly hangUps?: EventEmitter
  /** Stands in for the real ones, in tests. */
  readonly services?: Partial<Services>
}

/** What a command works with. */
export interface Context {
  readonly io: Io
  readonly options: GlobalOptions
  readonly out: Printer
  readonly services: Services
  /** The command line itself, with these commands in full, or with all: for those that describe it. */
  readonly describe: (wanted?: readonly string[]) => Promise<CliCommand>
}

/** The work of one command, given its arguments and options. A number is the exit code, nothing means 0. */
export type Body<A extends unknown[]> = (context: Context, ...args: A) => Promise<number | void>

/** Makes the action of a commander command from the work of a command. */
export type Bind = <A extends unknown[]>(body: Body<A>) => (...args: unknown[]) => Promise<void>

/** What a module in `commands/` exports: for each of its commands, by name, what adds options and the action. */
export type Commands = Readonly<Record<string, (command: CliCommand, bind: Bind) => unknown>>

/** Resolves the configuration of this run. @throws INVALID_INPUT */
export function loadConfig({ io, options, services }: Context) {
  return services.loadConfig(settingsIn(options), io.env)
}

/**
 * Connects to the daemon or opens an engine, runs `use`, and closes again whatever happens.
 * @param options what `lend` opens, other commands use meanwhile.
 */
export async function withConnection<T>(
  context: Context,
  use: (connection: Connection, config: Config) => Promise<T>,
  options: Pick<ConnectOptions, 'lend' | 'online'> = {},
): Promise<T> {
  const config = await loadConfig(context)
  const { signal } = context.io
  const connection = await context.services.connect(config, { signal, ...options })
  const { readOnlyFor } = connection
  if (readOnlyFor !== undefined) {
    await context.out.warn(`${readOnlyFor.message} What is stored can be read.`)
  }
  let result: T
  try {
    result = await use(connection, config)
  } catch (error) {
    // The first failure is the one to report.
    await connection.close().catch(() => {})
    throw error
  }
  await connection.close()
  return result
}

/** Runs operations, wherever their work runs. `ended` is aborted when somebody asks for the end of what was lent. */
export function withOperations<T>(
  context: Context,
  use: (
    operations: Operations,
    via: Connection['via'],
    ended: AbortSignal | undefined,
  ) => Promise<T>,
  options?: Pick<ConnectOptions, 'lend' | 'online'>,
): Promise<T> {
  const run = ({ operations, via, ended }: Connection) => use(operations, via, ended)
  return withConnection(context, run, options)
}

/** Prints a text, in the pager where it is longer than the terminal. */
export async function showText({ io, out, services }: Context, text: string): Promise<void> {
  const { needsPager } = await import('./terminal/programs.ts')
  if (needsPager(text, io.stdout) && (await services.openPager(text, io.env))) return
  await out.text(text)
}

/** Runs one operation that gives one value. */
export function call<N extends ValueOperation>(
  context: Context,
  name: N,
  input: Input<N>,
): Promise<Output<N>> {
  return withOperations(context, (operations) => {
    const options = { signal: context.io.signal }
    return callByName(operations, name, input, options) as Promise<Output<N>>
  })
}

/**
 * Follows an operation to the event that ends it, which it gives.
 * @param onOther gets the events before.
 */
export async function finishOf<E extends { readonly event: string }>(
  events: AsyncIterable<E>,
  onOther: (event: Exclude<E, { event: 'finished' }>) => void,
): Promise<Omit<Extract<E, { event: 'finished' }>, 'event'>> {
  for await (const it of events) {
    if (it.event !== 'finished') {
      onOther(it as Exclude<E, { event: 'finished' }>)
      continue
    }
    const { event: _, ...finished } = it
    return finished as Omit<Extract<E, { event: 'finished' }>, 'event'>
  }
  throw new HyperletterError('INTERNAL', 'The work ended without saying how.')
}

type ValueOperation = {
  [N in OperationName]: OperationKinds[N] extends 'value' ? N : never
}[OperationName]

/** The rest of the product as the commands see it: `--help` does not pay for it. */
export const lazyServices = {
  loadConfig: lazy(async () => (await import('../config/config.ts')).loadConfig),
  connect: lazy(async () => (await import('../connect.ts')).connect),
  runDaemon: lazy(async () => (await import('../daemon/daemon.ts')).runDaemon),
  startDaemon: lazy(async () => (await import('../daemon/spawn.ts')).startDaemon),
  stopDaemon: lazy(async () => (await import('../daemon/spawn.ts')).stopDaemon),
  reloadDaemon: lazy(async () => (await import('../daemon/spawn.ts')).reloadDaemon),
  daemonStatus: lazy(async () => (await import('../daemon/spawn.ts')).daemonStatus),
  runBootstrapNode: lazy(async () => (await import('../peers/dht.ts')).runBootstrapNode),
  openBrowser: lazy(async () => (await import('./terminal/programs.ts')).openBrowser),
  openPager: lazy(async () => (await import('./terminal/programs.ts')).openPager),
}

export type Services = Readonly<typeof lazyServices>

/** Settings whose flags every command takes, which the program adds itself, and one that only readers have. */
const ELSEWHERE = new Set(['dataDir', 'bootstrap', 'host', 'plain'])

/** Adds a flag for each setting of the daemon that not every command takes. */
export function addSettingFlags<C extends Command>(command: C): C {
  for (const [name, { flag, summary, variable }] of Object.entries(SETTINGS)) {
    if (!ELSEWHERE.has(name)) command.option(flag, `${summary} (${variable})`)
  }
  return command
}

/** The settings that a command line gave. */
export function settingsIn(options: GlobalOptions): Settings {
  const all = SETTING_NAMES.map((name) => [name, options[name]] as const)
  // Some command may have an option of its own with such a name.
  const given = all.filter(([, value]) => typeof value === 'string')
  const logLevel = options.verbose === true ? 'debug' : undefined
  return { ...defined({ logLevel }), ...Object.fromEntries(given) }
}

type Notices = Output<'takeNotices'>
type MaybeSucceeded = Pick<Output<'listNewsletters'>[number], 'feedKey' | 'title' | 'successor'>

/** What to tell the user once; nothing, and nothing is used up, where it would not be shown. */
export async function takeNotices(context: Context, operations: Operations): Promise<Notices> {
  const { io, options } = context
  if (options.json === true || options.quiet === true) return []
  return operations.takeNotices({}, { signal: io.signal })
}

export async function noteSuccessors(
  { out }: Context,
  newsletters: readonly MaybeSucceeded[],
): Promise<void> {
  for (const { feedKey, title, successor } of newsletters) {
    if (successor === undefined) continue
    const name = nameOf({ feedKey, title })
    // The link of a private one is a secret, and this is read over shoulders.
    const at = `hyperletter://${successor.feedKey}`
    await out.note(`${name} continues at ${at}, as its author signed with the recovery key.`)
  }
}
