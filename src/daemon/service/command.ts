import { fileURLToPath } from 'node:url'

/** One helper thread for the garbage collector instead of four: 8 MB less, for an idle process. */
const NODE_FLAGS = ['--v8-pool-size=1']

/** Of glibc: one pool of memory for all threads instead of one for each, some of which stays unused. */
const GLIBC_VARIABLES = { MALLOC_ARENA_MAX: '1' }

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
