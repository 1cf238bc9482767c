import { once } from 'node:events'
import { request, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import SecretStream from '@hyperswarm/secret-stream'
import type Corestore from 'corestore'
import type Hypercore from 'hypercore'
import crypto from 'hypercore-crypto'
import type { Connection } from 'hyperswarm'
import { onTestFinished } from 'vitest'
import { WebSocket, type ClientOptions } from 'ws'
import { Gateway, type GatewaySettings } from '../../src/daemon/gateway/gateway.ts'
import type { Engine } from '../../src/engine/engine.ts'
import { createLogger, type Logger } from '../../src/logger.ts'
import { SocketStream, SUBPROTOCOL } from '../../src/peers/web/socket-stream.ts'
import { openStore } from './stores.ts'

/** A gateway of an engine that is open at any port; it closes when the running test ends. */
export async function openGateway(
  engine: Engine,
  settings: Partial<GatewaySettings> = {},
  logger: Logger = createLogger('silent'),
): Promise<{ readonly gateway: Gateway; readonly origin: string }> {
  const { gateway } = await applyGateway(engine, settings, logger)
  if (gateway.port === undefined) throw new Error(gateway.facts()?.problem)
  return { gateway, origin: `http://127.0.0.1:${gateway.port}` }
}

/** The same, whether it can be opened or not. */
export async function applyGateway(
  engine: Engine,
  settings: Partial<GatewaySettings>,
  logger: Logger = createLogger('silent'),
): Promise<{ readonly gateway: Gateway }> {
  const gateway = new Gateway({ engine: () => Promise.resolve(engine), logger })
  onTestFinished(() => gateway.close())
  await gateway.apply({ ...CLOSED, gateway: { host: '127.0.0.1', port: 0 }, ...settings })
  return { gateway }
}

const CLOSED: GatewaySettings = {
  gateway: undefined,
  gatewayAddress: undefined,
  gatewayNewsletters: undefined,
  gatewayTabs: undefined,
  gatewayProxies: undefined,
  gatewayStun: undefined,
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly bytes: Buffer
}

/** Asks as any program does: `fetch` sends no `Host` of others. */
export async function ask(
  url: string,
  headers: Readonly<Record<string, string>> = {},
  method = 'GET',
): Promise<Answer> {
  const asked = request(url, { headers, method, agent: false })
  asked.end()
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  const parts: Buffer[] = []
  for await (const part of response) parts.push(part as Buffer)
  const { statusCode = 0 } = response
  return { status: statusCode, headers: response.headers, bytes: Buffer.concat(parts) }
}

/** Of the package `ws`, with those that TLS takes. */
type SocketOptions = ClientOptions & { readonly servername?: string }

/** The WebSocket of a gateway, as a browser opens it. */
export function socketTo(origin: string, options: SocketOptions = {}): WebSocket {
  const socket = new WebSocket(`${origin.replace(/^http/, 'ws')}/peer`, SUBPROTOCOL, options)
  socket.binaryType = 'arraybuffer'
  socket.on('error', () => undefined)
  onTestFinished(() => socket.terminate())
  return socket
}

/** What a tab is, without a browser: a plain Hypercore over a WebSocket. */
export interface PlainTab {
  readonly connection: Connection
  readonly store: Corestore
  readonly open: (feedKey: string) => Promise<Hypercore>
}

/** Connects to a gateway. */
export async function openTab(origin: string, options: SocketOptions = {}): Promise<PlainTab> {
  const store = await openStore()
  const stream = new SocketStream(socketTo(origin, options))
  const raw = stream as unknown as Duplex
  const connection = new SecretStream(true, raw, { keyPair: crypto.keyPair(), keepAlive: 5_000 })
  connection.on('error', () => undefined)
  store.replicate(connection)
  const open = async (feedKey: string) => {
    const core = store.get({ key: feedKey })
    await core.ready()
    return core
  }
  return { connection, store, open }
}

/** Fetches all blocks of a core. */
export async function fetchAll(core: Hypercore): Promise<Buffer[]> {
  while (core.length === 0) await once(core, 'append')
  await core.download({ start: 0, end: core.length }).done()
  return Promise.all(Array.from({ length: core.length }, (_, i) => core.get(i) as Promise<Buffer>))
}
