/** Aborts as soon as one of the given signals does. Gives the only one itself. */
export function anySignal(first: AbortSignal, ...others: (AbortSignal | undefined)[]): AbortSignal {
  const given = others.filter((it) => it !== undefined)
  return given.length === 0 ? first : AbortSignal.any([first, ...given])
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
