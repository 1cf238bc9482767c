let done = false

/**
 * Hypercore reports a fork with `console.log`, which would end up in the middle of `--json`. The
 * engine hears of forks by the `conflict` event; console output of libraries goes to stderr.
 */
export function quietHypercore(): void {
  if (done) return
  done = true
  // oxlint-disable-next-line no-console
  console.log = (...args: unknown[]) => console.error(...args)
}
