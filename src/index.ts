/**
 * Hyperletter as a library: the same operations as the command line.
 *
 * `openEngine` opens a data folder in this process, with nothing but the options that it is given:
 *
 * ```js
 * import { openEngine } from 'hyperletter'
 * await using engine = await openEngine({ dataDir: './newsletters' })
 * console.log(await engine.operations.listNewsletters({}))
 * ```
 *
 * `connect` works on the data of this user, with their settings, through their daemon if one runs:
 *
 * ```js
 * import { connect, loadConfig } from 'hyperletter'
 * const { operations, close } = await connect(await loadConfig({}))
 * console.log(await operations.listNewsletters({}))
 * await close()
 * ```
 */
export { connect } from './connect.ts'
export { openEngine } from './api/open-engine.ts'
export { loadConfig } from './config/config.ts'
export { ERROR_CODES, HyperletterError } from './errors.ts'
export type { Connection, ConnectOptions } from './connect.ts'
export type { EngineLogger, EngineOptions, LocalEngine } from './api/open-engine.ts'
export type { Address, Config, Settings } from './config/config.ts'
export type { ErrorCode, ErrorJson } from './errors.ts'
export type { Input, OperationName, Operations, Output } from './api/contract/contract.ts'
