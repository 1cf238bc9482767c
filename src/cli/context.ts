import type { EventEmitter } from 'node:events'
import type { connect, Connection, ConnectOptions } from '../connect.ts'
import type {
  CallOptions,
  Input,
  OperationName,
  Operations,
  Output,
} from '../api/contract/contract.ts'
import type { OperationKinds } from '../api/kinds.ts'
import type { loadConfig as resolveConfig } from '../config/config.ts'
import type { runDaemon } from '../daemon/daemon.ts'
import type { daemonStatus, reloadDaemon, startDaemon, stopDaemon } from '../daemon/spawn.ts'
import type { runBootstrapNode } from '../peers/dht.ts'
import type { CliCommand } from './command.ts'
import { settingsIn, type GlobalOptions, type InputStream, type OutputStream } from './io.ts'
import type { Printer } from './output.ts'
import type { openBrowser, openPager } from './terminal/programs.ts'

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
 * Connects to the daemon or opens an engine, runs `use`, and closes again whatever happens. What
 * `lend` opens, others use meanwhile; `ended` tells that somebody asked for its end.
 */
export async function withOperations<T>(
  context: Context,
  use: (
    operations: Operations,
    via: Connection['via'],
    ended: AbortSignal | undefined,
  ) => Promise<T>,
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
    result = await use(connection.operations, connection.via, connection.ended)
  } catch (error) {
    // The first failure is the one to report.
    await connection.close().catch(() => {})
    throw error
  }
  await connection.close()
  return result
}

/** Runs one operation that gives one value. */
export function call<N extends ValueOperation>(
  context: Context,
  name: N,
  input: Input<N>,
): Promise<Output<N>> {
  return withOperations(context, (operations) => {
    const operation = operations[name] as (
      input: Input<N>,
      options: CallOptions,
    ) => Promise<Output<N>>
    return operation(input, { signal: context.io.signal })
  })
}

type ValueOperation = {
  [N in OperationName]: OperationKinds[N] extends 'value' ? N : never
}[OperationName]

/** The rest of the product as the commands see it. */
export interface Services {
  readonly loadConfig: typeof resolveConfig
  readonly connect: typeof connect
  readonly runDaemon: typeof runDaemon
  readonly startDaemon: typeof startDaemon
  readonly stopDaemon: typeof stopDaemon
  readonly reloadDaemon: typeof reloadDaemon
  readonly daemonStatus: typeof daemonStatus
  readonly runBootstrapNode: typeof runBootstrapNode
  readonly openPager: typeof openPager
  readonly openBrowser: typeof openBrowser
}

/** Each is loaded when it is first called, so that `--help` does not pay for the stack. */
export const lazyServices: Services = {
  loadConfig: async (...args) => (await import('../config/config.ts')).loadConfig(...args),
  connect: async (...args) => (await import('../connect.ts')).connect(...args),
  runDaemon: async (...args) => (await import('../daemon/daemon.ts')).runDaemon(...args),
  startDaemon: async (...args) => (await import('../daemon/spawn.ts')).startDaemon(...args),
  stopDaemon: async (...args) => (await import('../daemon/spawn.ts')).stopDaemon(...args),
  reloadDaemon: async (...args) => (await import('../daemon/spawn.ts')).reloadDaemon(...args),
  daemonStatus: async (...args) => (await import('../daemon/spawn.ts')).daemonStatus(...args),
  runBootstrapNode: async (...args) => (await import('../peers/dht.ts')).runBootstrapNode(...args),
  openBrowser: async (...args) => (await import('./terminal/programs.ts')).openBrowser(...args),
  openPager: async (...args) => (await import('./terminal/programs.ts')).openPager(...args),
}
