/** Aborts as soon as one of the given signals does. Gives the only one itself. */
export function anySignal(first: AbortSignal, ...others: (AbortSignal | undefined)[]): AbortSignal {
  const given = others.filter((it) => it !== undefined)
  return given.length === 0 ? first : AbortSignal.any([first, ...given])
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

interface WaitOptions {
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
  /** Calls `look` when it is worth looking; gives what ends that. */
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
  ms: number,
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
    const timer = setTimeout(done, ms)
    signal?.addEventListener('abort', done, { once: true })
    const unwatch = watch?.(done)
  })
}
