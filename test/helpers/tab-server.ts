import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import SecretStream from '@hyperswarm/secret-stream'
import Protomux from 'protomux'
import { WebSocketServer, type WebSocket } from 'ws'
import type { Log } from '../../src/format/log.ts'
import { hypercoreOf } from '../../src/log/hypercore-log.ts'
import { keyPairOf } from '../../src/log/keys.ts'
import { Rooms } from '../../src/peers/web/rooms.ts'
import { SocketStream } from '../../src/peers/web/socket-stream.ts'

const PAGE = fileURLToPath(new URL('../../dist/browser/', import.meta.url))

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript',
  svg: 'image/svg+xml',
  webmanifest: 'application/manifest+json',
}

export interface TabGateway {
  readonly origin: string
  /** Address of the WebSocket. */
  readonly peer: string
  /** Requests, as they came, with their headers. */
  readonly requests: string[]
  readonly sockets: ReadonlySet<WebSocket>
  /** Where tabs meet. */
  readonly rooms: Rooms
  close(): Promise<void>
}

export interface TabGatewayOptions {
  /** The log that it replicates; none when absent. */
  readonly log?: Log
  /** What has the files of the log at `/<feed key>/log/`; none when absent. */
  readonly files?: { readonly feedKey: string; readonly folder: string }
  /** For messages to tabs. */
  readonly alter?: (bytes: Uint8Array) => Uint8Array
  readonly port?: number
  /** Called with what tabs send, decrypted. */
  readonly onBytes?: (bytes: Uint8Array) => void
  /** Changes scripts of the page. */
  readonly alterScript?: (text: string) => string
  /** Where STUN is answered; nowhere when absent. */
  readonly stunPort?: number
}

/** What a tab sees of a gateway: the page, log files, replication and other tabs, until it is closed. */
export async function startTabGateway({
  log,
  files,
  alter,
  port = 0,
  onBytes,
  alterScript = (text) => text,
  stunPort,
}: TabGatewayOptions): Promise<TabGateway> {
  const requests: string[] = []
  const server = createServer((request, response) => {
    void (async () => {
      const { pathname } = new URL(request.url ?? '/', 'http://gateway')
      requests.push(`${request.url}\n${JSON.stringify(request.headers)}`)
      const own = files && `/${files.feedKey}/log/`
      const path = pathname.endsWith('/') ? `${pathname}index.html` : pathname
      const file =
        own !== undefined && pathname.startsWith(own)
          ? join(files?.folder ?? '', 'log', pathname.slice(own.length))
          : join(PAGE, path)
      const found = await readFile(file).catch(() => undefined)
      const bytes = file.endsWith('.js') && found ? alterScript(String(found)) : found
      const type = TYPES[path.split('.').at(-1) ?? ''] ?? 'application/octet-stream'
      response.writeHead(bytes === undefined ? 404 : 200, { 'content-type': type }).end(bytes)
    })()
  })
  const sockets = new Set<WebSocket>()
  const listener = new WebSocketServer({ server, path: '/peer', perMessageDeflate: false })
  const keyPair = keyPairOf()
  const rooms = new Rooms({ stunPort, onMisdeed: () => undefined })
  listener.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    const raw = new SocketStream(socket)
    const stream = new SecretStream(false, raw, { keyPair, keepAlive: 5_000 })
    stream.on('error', () => undefined)
    if (alter !== undefined) {
      const write = stream.write.bind(stream) as (bytes: Uint8Array) => boolean
      Object.assign(stream, { write: (bytes: Uint8Array) => write(alter(bytes)) })
    }
    if (log !== undefined) hypercoreOf(log).replicate(stream)
    if (onBytes !== undefined) stream.on('data', onBytes)
    stream.once('open', () => rooms.attach(Protomux.from(stream)))
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  let closing: Promise<void> | undefined
  const close = () =>
    (closing ??= new Promise<void>((resolve) => {
      for (const it of sockets) it.terminate()
      listener.close()
      server.closeAllConnections()
      server.close(() => resolve())
    }))
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    origin: `http://${address}`,
    peer: `ws://${address}/peer`,
    requests,
    sockets,
    rooms,
    close,
  }
}
