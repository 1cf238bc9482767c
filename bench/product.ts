import type * as ConfigModule from '../src/config/config.ts'
import type * as EngineModule from '../src/engine/engine.ts'
import type * as LoggerModule from '../src/logger.ts'
import type * as OperationsModule from '../src/api/operations.ts'

/** Where a script opens the product. */
export interface OpenOptions {
  readonly dataDir: string
  /** Needed only by what goes online. */
  readonly bootstrap?: string
  /** As the command line says of commands that need the network. */
  readonly online?: boolean
}

/**
 * Loads the product as it was built, so that no loader for TypeScript stands between. Loading is
 * not part of any measurement in this process; the rows of the command line measure it.
 */
export async function loadProduct() {
  const [{ Engine }, { bindOperations, implementations }, { loadConfig }, { createLogger }] =
    await Promise.all([
      built<typeof EngineModule>('engine/engine.js'),
      built<typeof OperationsModule>('api/operations.js'),
      built<typeof ConfigModule>('config/config.js'),
      built<typeof LoggerModule>('logger.js'),
      built('api/contract/contract.js'),
    ])
  // Of itself each is loaded when it is first asked for.
  await Promise.all(Object.values(implementations).map((load) => load()))
  return {
    /** Opens an engine; whoever asked closes it. */
    async open({ dataDir, bootstrap, online = false }: OpenOptions) {
      const config = await loadConfig({ dataDir, bootstrap, logLevel: 'silent' })
      const engine = await Engine.open({ config, logger: createLogger(config.logLevel), online })
      return { engine, operations: bindOperations(engine, 'engine') }
    },
  }
}

/** A module of the product as it was built. */
export function built<T>(path: string): Promise<T> {
  return import(new URL(`../dist/${path}`, import.meta.url).href) as Promise<T>
}

/** The input of a script, from its command line. */
export function scriptInput(): unknown {
  return JSON.parse(process.argv[2] ?? '{}')
}

/** Prints the result of a script, as its parent expects it. */
export function printResult(result: object): void {
  process.stdout.write(`${JSON.stringify(result)}\n`)
}
