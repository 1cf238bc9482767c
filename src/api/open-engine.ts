import * as z from 'zod'
import { configOf, type Config } from '../config/config.ts'
import { invalidInput } from '../errors.ts'
import type { Logger } from '../logger.ts'
import type { Operations } from './contract/contract.ts'

export type EngineLogger = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>

/** An engine of this process: `await using engine = await openEngine({ dataDir })`. */
export interface LocalEngine extends AsyncDisposable {
  /** What the command line and a daemon can do, too. */
  readonly operations: Operations
  /** Announces, serves and downloads every newsletter of the library from now on. Waits for no peer. */
  readonly goOnline: () => Promise<void>
  /** Lets appends that have begun end, leaves the network and gives the folder back; once, however often it is called. */
  readonly close: () => Promise<void>
}

const text = z.string().min(1)
const bytesPerSecond = z.number().positive()
const port = z.int().min(1).max(65_535)
const deviceKeys = z.array(z.string().regex(/^[0-9a-f]{64}$/)).readonly()

const optionsSchema = z
  .strictObject({
    /** Folder with everything that is kept, made if there is none. One engine at a time may have it. */
    dataDir: text,
    /** Nodes of a private DHT; the public ones when absent, and no DHT for an empty list. */
    bootstrap: z
      .array(z.strictObject({ host: text, port }))
      .readonly()
      .optional(),
    /** Address to bind; all interfaces when absent. Loopback alone where all of `bootstrap` is of this machine. */
    host: text.optional(),
    /** UDP port to bind if it is free. */
    udpPort: port.optional(),
    /** Bytes that blocks of others may take on the disk; `Infinity` for no cap, a share of the free disk when absent. */
    diskCap: z.union([z.number().nonnegative(), z.literal(Infinity)]).optional(),
    /** Bytes a second; no limit when absent. */
    uploadLimit: bytesPerSecond.optional(),
    downloadLimit: bytesPerSecond.optional(),
    /** Peers at a time. */
    maxConnections: z.int().positive().optional(),
    /** Public keys in hex of devices that may replicate private newsletters; every reader's when absent. */
    allowPeers: deviceKeys.optional(),
    /** Whether peers in the same local network are found without a DHT; they are when absent. */
    localDiscovery: z.boolean().optional(),
    /** Whether it relays between peers of its newsletters who cannot reach each other; it does not when absent. */
    relayOffer: z.boolean().optional(),
    /** Public keys in hex of devices whose relays serve for all newsletters. */
    relayUse: deviceKeys.optional(),
    /** Whether peers do not learn its address, and it connects only through the devices of `relayUse`. */
    hideAddress: z.boolean().optional(),
    /** Gets what happens, as facts and a line, like a pino logger; nobody does when absent. */
    logger: z.custom<EngineLogger>(isLogger, 'It has to log as pino does.').optional(),
    /** Begins to look for the network while the data opens. Without it, the first operation that needs peers does. */
    online: z.boolean().optional(),
  })
  .readonly()

/** How an engine works. What is absent has the default of the command line; no file and no variable is read. */
export type EngineOptions = z.input<typeof optionsSchema>

/**
 * Opens a data folder in this process, with everything that Hyperletter can do. Nothing of the process is
 * changed: no signal is caught, no exit code is set, and nothing is printed. Whoever opens it closes it.
 *
 * ```js
 * await using engine = await openEngine({ dataDir: './newsletters' })
 * const { link } = await engine.operations.createNewsletter({ title: 'Tide Tables' })
 * ```
 *
 * @throws INVALID_INPUT for options that make no sense, or a folder that cannot be made; STORE_BUSY if another engine
 *   has it, DISK_FULL.
 */
export async function openEngine(options: EngineOptions): Promise<LocalEngine> {
  const { logger: given, online = false, ...settings } = parse(options)
  const [{ Engine }, { bindOperations }, { createLogger }] = await Promise.all([
    import('../engine/engine.ts'),
    import('./operations.ts'),
    import('../logger.ts'),
  ])
  const config: Config = configOf({ ...settings, logLevel: 'silent' })
  const logger = given === undefined ? createLogger('silent') : loggerOf(given)
  const engine = await Engine.open({ config, logger, online })
  const close = () => engine.close()
  return {
    operations: bindOperations(engine, 'engine'),
    goOnline: async () => void (await engine.network()),
    close,
    [Symbol.asyncDispose]: close,
  }
}

function parse(options: EngineOptions): z.infer<typeof optionsSchema> {
  const parsed = optionsSchema.safeParse(options)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const place = issue?.path.join('.') ?? ''
  const message = `The options of the engine${place === '' ? '' : ` (${place})`}: ${issue?.message ?? 'wrong'}`
  throw invalidInput(message, { cause: parsed.error })
}

function isLogger(it: unknown): boolean {
  const methods = ['debug', 'info', 'warn', 'error'] as const
  const has = (name: (typeof methods)[number]) =>
    typeof (it as Partial<Record<typeof name, unknown>>)[name] === 'function'
  return typeof it === 'object' && it !== null && methods.every(has)
}

// Its methods are called on it, for those of pino need that.
function loggerOf(given: EngineLogger): Logger {
  return {
    level: 'debug',
    debug: (facts, what) => given.debug(facts, what),
    info: (facts, what) => given.info(facts, what),
    warn: (facts, what) => given.warn(facts, what),
    error: (facts, what) => given.error(facts, what),
  }
}
