import type { Engine } from '../engine/engine.ts'
import { hasFreeSpace, NEEDED_FREE_BYTES } from '../log/store/disk.ts'
import { hasCode, HyperletterError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import type { CallOptions, Operations } from '../api/contract/contract.ts'
import type { OperationName } from '../api/kinds.ts'
import { callByName, mapOperations, type PreparedCall } from '../api/map-operations.ts'
import { bindOperations } from '../api/operations.ts'
import { anySignal } from '../async.ts'

export interface EngineSupervisorOptions {
  /** Opens the same data directory again. */
  readonly open: () => Promise<Engine>
  readonly dataDir: string
  readonly logger: Logger
}

/** First delay before checking for free space again after the disk was full; it doubles up to the longest. */
const FIRST_CHECK_MS = 1_000
const LONGEST_PAUSE_MS = 60_000

/** If the disk is full again within this time, the delay does not start over. */
const CALM_MS = 10 * LONGEST_PAUSE_MS

interface Generation {
  readonly engine: Engine
  readonly operations: Operations
  /** Calls under way, each with the controller that ends it. */
  readonly running: Set<AbortController>
  hasEnded: boolean
}

/**
 * An engine for a process that runs for months. After the disk was full, its store accepts nothing more even
 * when there is space again; the supervisor then reopens it, and `operations` continue with the new one.
 */
export class EngineSupervisor {
  /** Outlive every engine. Calls under way while the engine reopens end with NOT_AVAILABLE. */
  readonly operations: Operations
  readonly #options: EngineSupervisorOptions
  readonly #closed = new AbortController()
  #generation: Promise<Generation>
  #isOnline = false
  #checking: Promise<boolean> | undefined
  #pauseMs = FIRST_CHECK_MS
  #timer: NodeJS.Timeout | undefined
  #openedAt = 0

  /** @param engine is closed by `close`. */
  constructor(engine: Engine, options: EngineSupervisorOptions) {
    this.#options = options
    this.#generation = Promise.resolve(this.#start(engine))
    this.operations = mapOperations((...call) => this.#prepare(...call))
  }

  /** The engine that works now. @throws the reason while there is none */
  async engine(): Promise<Engine> {
    return (await this.#generation).engine
  }

  async goOnline(): Promise<void> {
    this.#isOnline = true
    await (await this.#generation).engine.network()
  }

  async close(): Promise<void> {
    this.#closed.abort()
    clearTimeout(this.#timer)
    await this.#checking
    await (await this.#generation.catch(() => undefined))?.engine.close()
  }

  #start(engine: Engine): Generation {
    this.#openedAt = Date.now()
    engine.full.addEventListener('abort', () => this.#onFull(), { once: true })
    return {
      engine,
      operations: bindOperations(engine, 'daemon'),
      running: new Set(),
      hasEnded: false,
    }
  }

  #onFull(): void {
    if (Date.now() - this.#openedAt > CALM_MS) this.#pauseMs = FIRST_CHECK_MS
    this.#checkLater()
  }

  #checkLater(): void {
    clearTimeout(this.#timer)
    if (this.#closed.signal.aborted) return
    this.#timer = setTimeout(() => {
      this.#check()
        .then((isOpen) => {
          if (!isOpen) this.#checkLater()
        })
        .catch(() => undefined)
    }, this.#pauseMs)
    this.#timer.unref()
    this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS)
  }

  // Runs on a timer and before each call. Resolves to whether the store accepts writes.
  #check(): Promise<boolean> {
    this.#checking ??= this.#reopenIfSpace().finally(() => (this.#checking = undefined))
    return this.#checking
  }

  async #reopenIfSpace(): Promise<boolean> {
    const { dataDir, logger } = this.#options
    const before = await this.#generation.catch(() => undefined)
    // Another check reopened it meanwhile.
    if (before?.engine.full.aborted === false) return true
    try {
      if (!(await hasFreeSpace(dataDir, NEEDED_FREE_BYTES))) return false
      const opening = this.#reopen(before)
      this.#generation = opening
      const { engine } = await opening
      logger.warn({}, 'the disk has free space again: the store was reopened')
      if (this.#isOnline) await engine.network()
      return true
    } catch (err) {
      logger.debug({ err }, 'the store could not be reopened')
      return false
    }
  }

  // After a failed attempt there is nothing to close.
  async #reopen(before: Generation | undefined): Promise<Generation> {
    if (before !== undefined) {
      before.hasEnded = true
      for (const it of before.running) it.abort()
      await before.engine.close()
    }
    if (this.#closed.signal.aborted) throw new HyperletterError('ABORTED', 'The daemon is closing.')
    return this.#start(await this.#options.open())
  }

  async #current(): Promise<Generation> {
    const generation = await this.#generation.catch(() => undefined)
    if (generation === undefined || generation.engine.full.aborted) await this.#check()
    return this.#generation
  }

  async #prepare(
    name: OperationName,
    input: unknown,
    { signal }: CallOptions,
  ): Promise<PreparedCall> {
    const generation = await this.#current()
    const end = new AbortController()
    generation.running.add(end)
    const options = { signal: anySignal(end.signal, signal) }
    return {
      run: () => callByName(generation.operations, name, input, options),
      failure: (error) => failure(error, generation, { signal }),
      done: () => generation.running.delete(end),
    }
  }
}

async function failure(thrown: unknown, { engine, hasEnded }: Generation, { signal }: CallOptions) {
  // It may be another disk; if it is the store's, the flush says so.
  if (hasCode(thrown, 'DISK_FULL')) await engine.flush().catch(() => undefined)
  if (!hasEnded || signal?.aborted === true) return thrown
  return new HyperletterError('NOT_AVAILABLE', 'The daemon reopened its store.', {
    hint: 'The disk was full and has free space again. Run the command again.',
    cause: thrown,
  })
}
