/** The version whose inside `internals.ts` knows. */
export const KNOWN_VERSION = '11.37.1'

const IN_NODE = typeof process !== 'undefined'

/**
 * The version of the Hypercore that Corestore loads for a module: in a project with several copies, not always the one
 * that the module itself would load.
 * @param from path or URL of the module.
 */
export function hypercoreVersion(from: string): string {
  const { createRequire } = process.getBuiltinModule('node:module')
  const corestore = createRequire(from).resolve('corestore')
  const { version } = createRequire(corestore)('hypercore/package.json') as { version: string }
  return version
}

/** The version of the Hypercore that runs; in a browser, the one that was bundled. */
export const HYPERCORE_VERSION = IN_NODE ? hypercoreVersion(import.meta.url) : KNOWN_VERSION

/**
 * Whether internals are used. If not, Hypercore decides by itself what to ask of whom, and nothing is pushed: slower,
 * never wrong. `HYPERLETTER_PLAIN_HYPERCORE=1` asks for that.
 */
export const USES_INTERNALS =
  HYPERCORE_VERSION === KNOWN_VERSION &&
  !(IN_NODE && process.env['HYPERLETTER_PLAIN_HYPERCORE'] === '1')
