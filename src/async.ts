/** Runs one piece of work at a time, in the order in which they were given. */
export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve()
  #size = 0

  /** Pieces of work that have not ended, the running one too. */
  get size(): number {
    return this.#size
  }

  /** Runs `work` when all that came before has ended, well or not. Its result and its failure are the caller's. */
  run<T>(work: () => T | Promise<T>): Promise<T> {
    this.#size++
    const result = this.#last.then(work).finally(() => this.#size--)
    this.#last = result.catch(() => undefined)
    return result
  }

  /** Resolves when all that was given so far has ended; never rejects. */
  async idle(): Promise<void> {
    await this.#last
  }
}

/** Aborts as soon as one of the given signals does. Gives the only one itself. */
export function anySignal(first: AbortSignal, ...others: (AbortSignal | undefined)[]): AbortSignal {
  const given = others.filter((it) => it !== undefined)
  return given.length === 0 ? first : AbortSignal.any([first, ...given])
}

/**
 * Aborts after `ms` with a `TimeoutError`, or as soon as one of the given signals does. What `AbortSignal.any` makes of
 * an `AbortSignal.timeout` may never abort: Node.js collects the latter as garbage (https://github.com/nodejs/node/issues/57736).
 */
export function timeoutSignal(ms: number, ...others: (AbortSignal | undefined)[]): AbortSignal {
  const late = new AbortController()
  const abort = () => late.abort(new DOMException(`It took longer than ${ms} ms.`, 'TimeoutError'))
  inBackground(setTimeout(abort, ms))
  return anySignal(late.signal, ...others)
}

/** Waits for `work`. Rejects with the reason of the signal if that aborts first. */
export async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  work.catch(() => undefined)
  signal.throwIfAborted()
  let stop: () => void = () => undefined
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason as Error)
  })
  signal.addEventListener('abort', stop, { once: true })
  try {
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

/** A timer that keeps no process running. In browsers, where none does, as it is. */
export function inBackground<T extends NodeJS.Timeout>(timer: T): T {
  if (typeof timer === 'object') timer.unref()
  return timer
}

/** Resolves after a while, which keeps no process running. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    inBackground(setTimeout(resolve, ms))
  })
}

/** What `work` gives for each, of at most `atOnce` at a time. */
export async function mapSome<T, R>(
  items: readonly T[],
  atOnce: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = []
  const rest = items.entries()
  const workers = Array.from({ length: atOnce }, async () => {
    for (const [i, item] of rest) results[i] = await work(item)
  })
  await Promise.all(workers)
  return results
}

/** Whether `work` ends well. */
export function succeeds(work: Promise<unknown>): Promise<boolean> {
  return work.then(
    () => true,
    () => false,
  )
}

/** Waits for `work`, but no longer than `timeoutMs`. Gives whether it is done. */
export async function withinMs(timeoutMs: number, work: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, timeoutMs, false)
  })
  try {
    return await Promise.race([work.then(() => true), late])
  } finally {
    clearTimeout(timer)
  }
}

export interface WaitOptions {
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
  /** Calls `look` whenever something may have changed. @returns what ends that */
  readonly watch?: ((look: () => void) => () => void) | undefined
}

/** How often a condition without an event of its own is looked at. */
const LOOK_EVERY_MS = 50

/**
 * Waits for a condition that peers bring about and that the stack reports by no single event.
 * @returns false when `timeoutMs` passed first. Throws the reason of an aborted signal.
 */
export async function waitUntil(
  condition: () => boolean | Promise<boolean>,
  { timeoutMs, signal, watch }: WaitOptions,
): Promise<boolean> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    signal?.throwIfAborted()
    if (await condition()) return true
    const left = deadline - Date.now()
    if (left <= 0) return false
    await pause(Math.min(LOOK_EVERY_MS, left), signal, watch)
  }
}

function pause(
  ms: number | undefined,
  signal: AbortSignal | undefined,
  watch: WaitOptions['watch'],
): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      unwatch?.()
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = ms === undefined ? undefined : setTimeout(done, ms)
    signal?.addEventListener('abort', done, { once: true })
    const unwatch = watch?.(done)
  })
}

/** Wakes what waits for it, and what begins to wait after it rang. */
export class Bell {
  #hasRung = false
  #wake = () => {}

  ring(): void {
    this.#hasRung = true
    this.#wake()
  }

  /** Resolves when it rings, when the signal aborts, or after `timeoutMs`; at once if it rang since the last wait. */
  async wait(signal?: AbortSignal, timeoutMs?: number): Promise<void> {
    const watch = (look: () => void) => {
      this.#wake = look
      return () => undefined
    }
    if (!this.#hasRung && signal?.aborted !== true) await pause(timeoutMs, signal, watch)
    this.#hasRung = false
  }
}

export interface DebouncedTaskOptions {
  /** @param isThorough as given to `runNow`. */
  readonly run: (isThorough: boolean) => Promise<void>
  /** Called when a run that nobody waits for failed. */
  readonly onFailure: (err: unknown) => void
  /** How long after `schedule` it runs; one run serves all that ask until then. */
  readonly delayMs: number
  /** It runs this often in any case. */
  readonly everyMs: number
}

/** Work that is done soon after it is asked for, and now and then: one run at a time, however often it is asked for. */
export class DebouncedTask {
  readonly #options: DebouncedTaskOptions
  readonly #queue = new SerialQueue()
  readonly #regular: NodeJS.Timeout
  #soon: NodeJS.Timeout | undefined
  #later: NodeJS.Timeout | undefined
  #isAsked = false
  #isClosed = false

  constructor(options: DebouncedTaskOptions) {
    this.#options = options
    this.#regular = setInterval(() => this.schedule(), options.everyMs).unref()
  }

  /** Runs soon; also again after the run that is under way, for which it may have come too late. */
  schedule(): void {
    this.#isAsked = true
    if (this.#soon !== undefined || this.#queue.size > 0 || this.#isClosed) return
    this.#soon = setTimeout(() => {
      this.runNow().catch((err: unknown) => {
        if (!this.#isClosed) this.#options.onFailure(err)
      })
    }, this.#options.delayMs).unref()
  }

  /** Runs after a while, unless that is on its way already. */
  scheduleAfter(ms: number, before: () => void): void {
    this.#later ??= setTimeout(() => {
      this.#later = undefined
      before()
      this.schedule()
    }, ms).unref()
  }

  /** Runs now, after the run that is under way. Rejects if it fails. */
  runNow(isThorough = false): Promise<void> {
    clearTimeout(this.#soon)
    this.#soon = undefined
    return this.#queue
      .run(async () => {
        if (this.#isClosed) return
        this.#isAsked = false
        await this.#options.run(isThorough)
      })
      .finally(() => {
        if (this.#isAsked) this.schedule()
      })
  }

  /** Waits for the run that is under way; none begins after it. */
  async close(): Promise<void> {
    this.#isClosed = true
    clearInterval(this.#regular)
    clearTimeout(this.#soon)
    clearTimeout(this.#later)
    await this.#queue.idle()
  }
}

/** What a stream has that is written to: of Node.js, or an answer to a request. */
interface Writing {
  on(event: 'drain' | 'close', listener: () => void): unknown
  off(event: 'drain' | 'close', listener: () => void): unknown
}

/** Resolves once there is room to write again, or the stream is closed. */
export function drained(stream: Writing): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      stream.off('drain', done)
      stream.off('close', done)
      resolve()
    }
    stream.on('drain', done)
    stream.on('close', done)
  })
}

/** A function whose module is loaded when it is first called. */
export function lazy<A extends unknown[], R>(
  load: () => Promise<(...args: A) => R | Promise<R>>,
): (...args: A) => Promise<R> {
  return async (...args) => (await load())(...args)
}
