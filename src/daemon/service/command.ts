import { fileURLToPath } from 'node:url'
import v8 from 'node:v8'

/** One helper thread for the garbage collector instead of four: 8 MB less, for an idle process. */
export const NODE_FLAGS = ['--v8-pool-size=1']

/** Of glibc: one pool of memory for all threads instead of one for each, some of which stays unused. */
const GLIBC_VARIABLES = { MALLOC_ARENA_MAX: '1' }

/** A daemon has started by then, and the collector, which begins 8 s later, is done. */
const COME_TO_REST_MS = 30_000

const LAUNCHER = fileURLToPath(new URL('../../../bin/hyperletter.js', import.meta.url))

/** What runs a daemon, or does something with it, by this very Node and this very copy of the program. */
export function daemonCommand(name: 'run' | 'reload', flags: readonly string[]): readonly string[] {
  return [process.execPath, ...NODE_FLAGS, LAUNCHER, 'daemon', name, ...flags]
}

/** Variables that a daemon is started with, by whatever starts it; those that somebody set weigh more. */
export function daemonEnvironment(
  platform: NodeJS.Platform = process.platform,
): Readonly<Record<string, string>> {
  return platform === 'linux' ? GLIBC_VARIABLES : {}
}

/**
 * Keeps the heap of this process small, as suits a daemon: it is there for months and mostly idle. New objects get
 * little room, and the heap grows by half at most before it is tidied up, which costs no time that could be
 * measured. Until the daemon has come to rest that is done as soon as it can be; not after that, for with this flag
 * pages take longer.
 */
export function restrainHeap(comeToRestMs: number = COME_TO_REST_MS): void {
  v8.setFlagsFromString('--semi-space-growth-factor=1')
  v8.setFlagsFromString('--heap-growing-percent=50')
  v8.setFlagsFromString('--optimize-for-size')
  setTimeout(() => v8.setFlagsFromString('--no-optimize-for-size'), comeToRestMs).unref()
}
