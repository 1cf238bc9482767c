import { setTimeout } from 'node:timers/promises'
import type { Config } from './config/config.ts'
import { dial, notAnswering, remoteOperations, requestReader } from './api/socket/client.ts'
import { infoSince, readRecord, recordAddress, type ReaderRequest } from './api/socket/protocol.ts'
import type { OperationsServerOptions } from './api/socket/server.ts'
import { defined } from './defined.ts'
import { hasCode, HyperletterError } from './errors.ts'
import type { CallOptions, Operations } from './api/contract/contract.ts'
import { PROTOCOL_VERSION } from './api/kinds.ts'
import { callByName, mapOperations } from './api/map-operations.ts'

/** Where the work will run, decided once; the operations are the same. */
export interface Connection {
  readonly operations: Operations
  readonly via: 'daemon' | 'engine'
  /**
   * Serves the web reader, where the work runs: a daemon goes on serving it, this process until
   * `close`. Gives an address that lets one browser in.
   */
  readonly openReader: (request: ReaderRequest, options?: CallOptions) => Promise<string>
  /** Why nothing can be written: what is stored can be read here, and nothing else works. */
  readonly readOnlyFor?: HyperletterError
  /** Aborted when somebody asks for the end of what is lent here, as `daemon stop` does. */
  readonly ended?: AbortSignal
  /** Closes what `connect` opened; a daemon goes on. */
  readonly close: () => Promise<void>
}

export interface ConnectOptions {
  readonly signal?: AbortSignal | undefined
  /** How long another command may keep the store before `STORE_BUSY`. */
  readonly busyTimeoutMs?: number
  /**
   * Lends an engine of this process over the socket until `close`, as a daemon does: for commands that
   * take long, so that others need not wait for them.
   */
  readonly lend?: boolean
  /** An engine of this process will need the network. */
  readonly online?: boolean
}

/** What a daemon says of an operation that came later, and of a field that did. */
const UNKNOWN = /^The daemon has no such operation|: Unrecognized key/

const BUSY_TIMEOUT_MS = 10_000
const FIRST_PAUSE_MS = 20
const LONGEST_PAUSE_MS = 500

/**
 * The operations on a data directory: those of its daemon if one answers, else of an engine in this
 * process. The lock on the store decides who owns the data; the socket is only an address.
 * @throws STORE_BUSY, DAEMON_NOT_ANSWERING, PROTOCOL_MISMATCH, ABORTED
 */
export async function connect(config: Config, options: ConnectOptions = {}): Promise<Connection> {
  const { signal, busyTimeoutMs = BUSY_TIMEOUT_MS } = options
  const deadline = Date.now() + busyTimeoutMs
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    if (signal?.aborted === true) throw new HyperletterError('ABORTED', 'Interrupted.')
    try {
      const daemon = await connectToDaemon(config)
      if (daemon !== undefined) return daemon
      // A command that had to wait once may have to again, and should not knock at the DHT each time.
      const isFirst = pauseMs === FIRST_PAUSE_MS
      return await openHere(config, isFirst ? options : { ...options, online: false })
    } catch (error) {
      // The holder of the lock may be a daemon that does not listen yet, or a command about to end.
      if (!hasCode(error, 'STORE_BUSY', 'DAEMON_NOT_ANSWERING')) throw error
      if (Date.now() + pauseMs > deadline) throw await unreachable(config, error)
    }
    await setTimeout(pauseMs)
  }
}

// A daemon has the store, but its socket is gone: programs that clean /tmp delete old ones.
async function unreachable({ dataDir }: Config, error: HyperletterError): Promise<unknown> {
  const record = await readRecord(dataDir)
  if (record === undefined || error.code !== 'STORE_BUSY') return error
  try {
    process.kill(record.pid, 0)
    return await notAnswering(dataDir, error)
  } catch {
    return error
  }
}

async function connectToDaemon({ socketPath, dataDir }: Config): Promise<Connection | undefined> {
  const info = await dial(socketPath, dataDir)
  if (info === undefined) return undefined
  if (info.protocol !== PROTOCOL_VERSION) {
    const message = `The daemon runs version ${info.version}, which speaks another protocol.`
    throw new HyperletterError('PROTOCOL_MISMATCH', message)
  }
  return {
    operations: operationsOf(socketPath),
    via: 'daemon',
    openReader: (request, options) => requestReader(socketPath, request, options),
    close: async () => undefined,
  }
}

// What commands ask is valid in their own version: what a daemon does not know, it is too old for.
function operationsOf(socketPath: string): Operations {
  const remote = remoteOperations(socketPath)
  return mapOperations((name, input, options) => ({
    run: () => callByName(remote, name, input, options),
    failure: (error) =>
      hasCode(error, 'INVALID_INPUT') && UNKNOWN.test(error.message)
        ? new HyperletterError('PROTOCOL_MISMATCH', 'The daemon is older than this command.')
        : error,
  }))
}

// The stack takes 200 ms to load: a command that talks to a daemon does without.
async function openHere(config: Config, options: ConnectOptions): Promise<Connection> {
  const { lend = false, online = false } = options
  const [{ Engine }, { bindOperations }, { createLogger }, { ReaderHost, hostOptions }] =
    await Promise.all([
      import('./engine/engine.ts'),
      import('./api/operations.ts'),
      import('./logger.ts'),
      import('./web/host.ts'),
    ])
  const logger = createLogger(config.logLevel)
  const engine = await Engine.open({ config, logger, online }).catch((error: unknown) => {
    if (!hasCode(error, 'DISK_FULL', 'READ_ONLY')) throw error
    // Where there is no store to read yet, the failure stands.
    return Engine.open({ config, logger, readOnlyFor: error }).catch(() => Promise.reject(error))
  })
  const reader = new ReaderHost({
    operations: bindOperations(engine, 'engine'),
    ...hostOptions(config),
  })
  const { operations } = reader
  const openReader = (request: ReaderRequest) => reader.open(request)
  const lent = lend ? await lendOver(config, { operations, openReader, logger }) : undefined
  return {
    operations,
    via: 'engine',
    openReader,
    ...defined({ readOnlyFor: engine.readOnlyFor }),
    ...(lent === undefined ? {} : { ended: lent.ended }),
    close: async () => {
      await reader.close()
      await lent?.close()
      await engine.close()
    },
  }
}

type Lent = Pick<OperationsServerOptions, 'operations' | 'openReader' | 'logger'>

// Nothing is lost where it does not succeed: the others then wait, as for any other command.
async function lendOver(config: Config, lent: Lent) {
  const { OperationsServer } = await import('./api/socket/server.ts')
  const startedAt = Date.now()
  const end = new AbortController()
  try {
    const server = await OperationsServer.listen({
      ...lent,
      socketPath: config.socketPath,
      info: () => ({ ...infoSince(startedAt), temporary: true }),
      onReload: () => Promise.resolve({ applied: [], restart: [] }),
      onStop: () => end.abort(),
    })
    const forget = await recordAddress(config)
    return {
      ended: end.signal,
      close: async () => {
        await server.close()
        await forget()
      },
    }
  } catch (err) {
    lent.logger.warn({ err }, 'other commands have to wait')
    return undefined
  }
}
