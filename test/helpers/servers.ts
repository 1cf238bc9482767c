import { request } from 'node:http'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { remoteOperations } from '../../src/api/socket/client.ts'
import { PROTOCOL_VERSION, VERSION_HEADER, type DaemonInfo } from '../../src/api/socket/protocol.ts'
import { OperationsServer } from '../../src/api/socket/server.ts'
import { createLogger } from '../../src/logger.ts'
import type { Operations } from '../../src/api/contract/contract.ts'
import { temporaryDirectory } from './temporary-directory.ts'

export interface Served {
  readonly server: OperationsServer
  readonly socketPath: string
  /** The operations on the other side of the socket. */
  readonly remote: Operations
}

export const someDaemon: DaemonInfo = {
  protocol: PROTOCOL_VERSION,
  version: '1.2.3',
  pid: 4_711,
  uptimeSeconds: 5,
}

/** Lends operations over a socket in a temporary directory until the running test ends. */
export async function serve(
  operations: Operations,
  options: { socketPath?: string; info?: DaemonInfo; onStop?: () => void } = {},
): Promise<Served> {
  const { info = someDaemon, onStop = () => undefined } = options
  const socketPath = options.socketPath ?? join(await temporaryDirectory(), 'daemon.sock')
  const server = await OperationsServer.listen({
    socketPath,
    operations,
    info: () => info,
    openReader: () => Promise.reject(new Error('Unexpected reader.')),
    onStop,
    onReload: () => Promise.resolve({ applied: [], restart: [] }),
    logger: createLogger('silent'),
  })
  onTestFinished(() => server.close())
  return { server, socketPath, remote: remoteOperations(socketPath) }
}

export interface RawRequest {
  readonly method?: string
  readonly path: string
  readonly body?: string
  readonly version?: string | undefined
}

export interface RawAnswer {
  readonly status: number | undefined
  readonly json: unknown
}

/** One request as somebody would send it who does not use our client. */
export function ask(socketPath: string, raw: RawRequest): Promise<RawAnswer> {
  const { method = 'POST', path, body } = raw
  const version = 'version' in raw ? raw.version : String(PROTOCOL_VERSION)
  return new Promise((resolve, reject) => {
    const sent = request({
      socketPath,
      method,
      path,
      agent: false,
      headers: version === undefined ? {} : { [VERSION_HEADER]: version },
    })
    sent.on('error', reject)
    sent.on('response', (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8')
        try {
          resolve({ status: response.statusCode, json: JSON.parse(text) as unknown })
        } catch {
          reject(new Error(`Not JSON: ${text}`))
        }
      })
    })
    sent.end(body)
  })
}
