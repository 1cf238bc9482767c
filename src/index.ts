/**
 * Hyperletter as a library: the same operations as the command line, in this process or through a
 * daemon.
 *
 * ```js
 * import { connect, loadConfig } from 'hyperletter'
 * const { operations, close } = await connect(await loadConfig({}))
 * console.log(await operations.listNewsletters({}))
 * await close()
 * ```
 */
export { connect } from './api/connect.ts'
export { loadConfig } from './config/config.ts'
export { ERROR_CODES, HyperletterError } from './errors.ts'
export type { Connection, ConnectOptions } from './api/connect.ts'
export type { Address, Config, Settings } from './config/config.ts'
export type { ErrorCode, ErrorJson } from './errors.ts'
export type { Input, OperationName, Operations, Output } from './api/contract/contract.ts'
