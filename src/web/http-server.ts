import { once } from 'node:events'
import {
  createServer,
  ServerResponse,
  type IncomingMessage,
  type RequestListener,
  type Server,
} from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { codeOf, invalidInput } from '../errors.ts'
import { localInterfaces } from '../peers/lan/multicast.ts'
import { isPrivate } from '../sources/web.ts'

const MAX_HEADER_BYTES = 8 * 1_024

/** Connections in all, and those of them that wait for a whole request: the oldest make room for new ones. */
const MAX_CONNECTIONS = 256
const MAX_UNFINISHED = 160

/**
 * Connections that wait to be taken: all are taken in one go, before anything of them is read. Fewer than may be
 * unfinished, or one whose request is there already would make room for those behind it.
 */
const BACKLOG = 128

/** How long a head, a whole request, and a connection on which nothing moves may take. */
const HEAD_TIMEOUT_MS = 5_000
const REQUEST_TIMEOUT_MS = 30_000
const IDLE_TIMEOUT_MS = 60_000

/** How often Node looks for requests that took too long; by itself every 30 s. */
const LOOK_EVERY_MS = 1_000

/** All sockets of a server: Node forgets those on which another protocol was asked for. */
const sockets = new WeakMap<Server, Set<Socket>>()

// Somebody who opens connections and sends half a request on each must not keep others out.
function evictUnfinished(server: Server): Set<Socket> {
  const open = new Set<Socket>()
  const unfinished = new Set<Socket>()
  sockets.set(server, open)
  const wait = (socket: Socket) => {
    if (socket.destroyed) return
    unfinished.add(socket)
    const [oldest] = unfinished
    if (unfinished.size > MAX_UNFINISHED) oldest?.destroy()
  }
  server.on('connection', (socket: Socket) => {
    open.add(socket)
    socket.once('close', () => {
      open.delete(socket)
      unfinished.delete(socket)
    })
    wait(socket)
  })
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const { socket, headers } = request
    const hasBody = 'transfer-encoding' in headers || Number(headers['content-length'] ?? 0) > 0
    if (hasBody) request.once('end', () => unfinished.delete(socket))
    else unfinished.delete(socket)
    response.once('finish', () => wait(socket))
  })
  return unfinished
}

/** Answers a request for another protocol as if it asked for none (RFC 9110, section 7.8), and ends the connection. */
function answerInHttp(server: Server, request: IncomingMessage, socket: Socket): void {
  const response = new ServerResponse(request)
  response.shouldKeepAlive = false
  response.assignSocket(socket)
  response.once('finish', () => socket.destroySoon())
  server.emit('request', request, response)
}

export interface ServerOptions {
  /** In all, those included that became WebSockets. */
  readonly maxConnections?: number
  /** Takes a connection over for another protocol, if it is one of its own. Absent: there is HTTP only. */
  readonly onUpgrade?: (request: IncomingMessage, socket: Socket, head: Buffer) => boolean
}

/** A server that floods and slow requests of others do not keep from answering. */
export function serverOf(
  listener: RequestListener,
  { maxConnections = MAX_CONNECTIONS, onUpgrade }: ServerOptions = {},
): Server {
  const server = createServer(
    { maxHeaderSize: MAX_HEADER_BYTES, connectionsCheckingInterval: LOOK_EVERY_MS },
    listener,
  )
  server.headersTimeout = HEAD_TIMEOUT_MS
  server.requestTimeout = REQUEST_TIMEOUT_MS
  server.timeout = IDLE_TIMEOUT_MS
  server.maxConnections = maxConnections
  const unfinished = evictUnfinished(server)
  // With a listener of this event, Node leaves to it every request that names another protocol, and its connection.
  if (onUpgrade !== undefined)
    server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
      for (const event of ['error', 'timeout']) socket.on(event, () => socket.destroy())
      if (onUpgrade(request, socket, head)) unfinished.delete(socket)
      else answerInHttp(server, request, socket)
    })
  return server
}

/** Listens. @returns false where the port is taken */
export async function bind(server: Server, port: number, host: string): Promise<boolean> {
  try {
    server.listen({ host, port, exclusive: true, backlog: BACKLOG })
    await once(server, 'listening')
    return true
  } catch (error) {
    if (port !== 0 && ['EADDRINUSE', 'EACCES'].includes(codeOf(error) ?? '')) return false
    throw error
  }
}

export async function closeServer(server: Server): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  for (const it of sockets.get(server) ?? []) it.destroy()
  await closed
}

export function portOfServer(server: Server): number {
  return (server.address() as AddressInfo).port
}

/** Tried first; any free one if somebody else has it, which then stays the same. */
const DEFAULT_PORT = 4_938

const ANY_HOST = '0.0.0.0'

export interface DeviceAddress {
  /** IPv4 address to listen at; all of this machine when absent, to its own networks only. */
  readonly host?: string | undefined
  readonly port?: number | undefined
}

/** Listens to other machines. What they may ask for is the guard's to decide. */
export class DeviceServer {
  readonly #server: Server
  readonly #host: string

  private constructor(server: Server, host: string) {
    this.#server = server
    this.#host = host
  }

  /** @param keptPort that devices know already. @throws INVALID_INPUT */
  static async listen(
    listener: RequestListener,
    { host, port }: DeviceAddress,
    keptPort: number | undefined,
  ): Promise<DeviceServer> {
    const server = serverOf(listener)
    const at = host ?? ANY_HOST
    if (host === undefined) {
      // Whoever means to be reached from the Internet says so with an address.
      server.prependListener('connection', (socket) => {
        if (!isPrivate(socket.remoteAddress ?? '')) socket.destroy()
      })
    }
    try {
      const found = await bind(server, port ?? keptPort ?? DEFAULT_PORT, at)
      if (found) return new DeviceServer(server, at)
      if (port !== undefined) throw new Error(`port ${port} is taken`)
      await bind(server, 0, at)
      return new DeviceServer(server, at)
    } catch (cause) {
      const why =
        codeOf(cause) === 'EADDRNOTAVAIL' ? 'this machine has no such address' : String(cause)
      throw invalidInput(`Devices cannot be let in at ${at}: ${why}.`, {
        hint: 'Choose an address of this machine with --web-address, for example 192.168.1.10:4938.',
        cause,
      })
    }
  }

  get port(): number {
    return portOfServer(this.#server)
  }

  /** By the address that it listens at, or else one of this machine in a home network. */
  get origin(): string {
    const all = localInterfaces().map((it) => it.address)
    const home = ['192.168.', '10.', ''].flatMap((start) =>
      all.filter((it) => it.startsWith(start)),
    )
    return `http://${this.#host === ANY_HOST ? (home[0] ?? '127.0.0.1') : this.#host}:${this.port}`
  }

  async close(): Promise<void> {
    await closeServer(this.#server)
  }
}
