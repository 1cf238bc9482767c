import type { Engine } from '../engine/engine.ts'
import { hasFreeSpace, NEEDED_FREE_BYTES } from '../log/store/free-space.ts'
import { hasCode, HyperletterError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import type { CallOptions, Operations } from '../api/contract/contract.ts'
import { OPERATION_KINDS, type OperationName } from '../api/kinds.ts'
import { bindOperations } from '../api/operations.ts'
import { anySignal } from '../within.ts'

export interface EngineSupervisorOptions {
  /** Opens the same data directory anew. */
  readonly open: () => Promise<Engine>
  readonly dataDir: string
  readonly logger: Logger
}

/** How long after the disk was full it is looked whether there is room; longer from time to time. */
const FIRST_LOOK_MS = 1_000
const LONGEST_PAUSE_MS = 60_000

/** Full again sooner than this, the disk is not looked at sooner again. */
const CALM_MS = 10 * LONGEST_PAUSE_MS

/** One engine, and what works with it. */
interface Generation {
  readonly engine: Engine
  readonly operations: Operations
  /** What runs now, each with what ends it. */
  readonly running: Set<AbortController>
  hasEnded: boolean
}

/**
 * An engine for a process that runs for months. Where the disk was full its store takes nothing more,
 * room or not, so once there is room it is opened anew; `operations` go on with the new one.
 */
export class EngineSupervisor {
  /** Stay the same. Those that run while the engine is opened anew end with NOT_AVAILABLE. */
  readonly operations: Operations
  readonly #options: EngineSupervisorOptions
  readonly #closed = new AbortController()
  #era: Promise<Generation>
  #isOnline = false
  #looking: Promise<boolean> | undefined
  #pauseMs = FIRST_LOOK_MS
  #timer: NodeJS.Timeout | undefined
  #begunAt = 0

  /** @param engine is closed by `close`. */
  constructor(engine: Engine, options: EngineSupervisorOptions) {
    this.#options = options
    this.#era = Promise.resolve(this.#begin(engine))
    this.operations = this.#makeOperations()
  }

  async goOnline(): Promise<void> {
    this.#isOnline = true
    await (await this.#era).engine.network()
  }

  async close(): Promise<void> {
    this.#closed.abort()
    clearTimeout(this.#timer)
    await this.#looking
    await (await this.#era.catch(() => undefined))?.engine.close()
  }

  #begin(engine: Engine): Generation {
    this.#begunAt = Date.now()
    engine.full.addEventListener('abort', () => this.#onFull(), { once: true })
    return {
      engine,
      operations: bindOperations(engine, 'daemon'),
      running: new Set(),
      hasEnded: false,
    }
  }

  #onFull(): void {
    if (Date.now() - this.#begunAt > CALM_MS) this.#pauseMs = FIRST_LOOK_MS
    this.#lookLater()
  }

  #lookLater(): void {
    clearTimeout(this.#timer)
    if (this.#closed.signal.aborted) return
    this.#timer = setTimeout(() => {
      this.#look()
        .then((goesOn) => {
          if (!goesOn) this.#lookLater()
        })
        .catch(() => undefined)
    }, this.#pauseMs)
    this.#timer.unref()
    this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS)
  }

  // At times of its own, and before anything that is asked for. Gives whether it goes on.
  #look(): Promise<boolean> {
    this.#looking ??= this.#goOnIfRoom().finally(() => (this.#looking = undefined))
    return this.#looking
  }

  async #goOnIfRoom(): Promise<boolean> {
    const { dataDir, logger } = this.#options
    const before = await this.#era.catch(() => undefined)
    // Somebody else looked in between.
    if (before?.engine.full.aborted === false) return true
    try {
      if (!(await hasFreeSpace(dataDir, NEEDED_FREE_BYTES))) return false
      const opening = this.#openAnew(before)
      this.#era = opening
      const { engine } = await opening
      logger.warn({}, 'there is room on the disk again, and everything goes on')
      if (this.#isOnline) await engine.network()
      return true
    } catch (err) {
      logger.debug({ err }, 'the store could not be opened anew')
      return false
    }
  }

  // Where the attempt before this one failed, there is nothing to close.
  async #openAnew(before: Generation | undefined): Promise<Generation> {
    if (before !== undefined) {
      before.hasEnded = true
      for (const it of before.running) it.abort()
      await before.engine.close()
    }
    if (this.#closed.signal.aborted) throw new HyperletterError('ABORTED', 'The daemon is closing.')
    return this.#begin(await this.#options.open())
  }

  async #current(): Promise<Generation> {
    const era = await this.#era.catch(() => undefined)
    if (era === undefined || era.engine.full.aborted) await this.#look()
    return this.#era
  }

  #makeOperations(): Operations {
    const names = Object.keys(OPERATION_KINDS) as OperationName[]
    const made = names.map((name) => [name, this.#makeOperation(name)])
    return Object.fromEntries(made) as Operations
  }

  #makeOperation(name: OperationName) {
    type Call = (input: unknown, options: CallOptions) => Promise<unknown> & AsyncIterable<unknown>
    const begin = async ({ signal }: CallOptions) => {
      const era = await this.#current()
      const end = new AbortController()
      era.running.add(end)
      return {
        era,
        call: era.operations[name] as Call,
        options: {
          signal: anySignal(end.signal, signal),
        },
        done: () => era.running.delete(end),
      }
    }
    if (OPERATION_KINDS[name] === 'value') {
      return async (input: unknown, given: CallOptions = {}) => {
        const { era, call, options, done } = await begin(given)
        try {
          return await call(input, options)
        } catch (error) {
          throw await failure(error, era, given)
        } finally {
          done()
        }
      }
    }
    return async function* stream(input: unknown, given: CallOptions = {}) {
      const { era, call, options, done } = await begin(given)
      try {
        yield* call(input, options)
      } catch (error) {
        throw await failure(error, era, given)
      } finally {
        done()
      }
    }
  }
}

async function failure(thrown: unknown, { engine, hasEnded }: Generation, { signal }: CallOptions) {
  // It may have been another disk; if it was that of the store, the store says so.
  if (hasCode(thrown, 'DISK_FULL')) await engine.flush().catch(() => undefined)
  if (!hasEnded || signal?.aborted === true) return thrown
  return new HyperletterError('NOT_AVAILABLE', 'The daemon opened its data anew meanwhile.', {
    hint: 'The disk was full, and there is room again. Run the command once more.',
    cause: thrown,
  })
}
