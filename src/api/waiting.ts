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
