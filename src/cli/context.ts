import type { Command } from 'commander'
import type { EventEmitter } from 'node:events'
import type { Operations } from '../api/contract/contract.ts'
import type { Connection, ConnectOptions } from '../api/connect.ts'
import type { GlobalOptions, InputStream, OutputStream } from './io.ts'
import type { Output } from './output.ts'
import type { Services } from './services.ts'
import { settingsIn } from './settings.ts'

/** Everything that a run of the command line touches outside of itself. */
export interface Io {
  readonly stdin: InputStream
  readonly stdout: OutputStream
  readonly stderr: OutputStream
  readonly env: NodeJS.ProcessEnv
  /** The directory that relative paths start from. */
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
  readonly out: Output
  readonly services: Services
  /** The command line itself, with these commands in full, or with all: for those that describe it. */
  readonly describe: (wanted?: readonly string[]) => Promise<Command>
}

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
