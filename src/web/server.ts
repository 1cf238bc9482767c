import { once } from 'node:events'
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { codeOf, HyperletterError } from '../errors.ts'
import type { Operations } from '../api/contract/contract.ts'
import { createReader } from './app.ts'
import { localPath } from './context.ts'
import { loadState, newSecret, saveState, Secrets, wasOpened } from './state.ts'

/** Tried first, for addresses that stay the same; any free one if somebody else has it. */
export const DEFAULT_PORT = 4_937

const ADDRESS = '127.0.0.1'

/** What `localhost` is for some programs. */
const OTHER_ADDRESS = '::1'

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

export interface ReaderServerOptions {
  readonly operations: Operations
  /** Where port and secret are kept. */
  readonly dataDir: string
  /** Instead of the port that is kept. Not free: `INVALID_INPUT`. */
  readonly port?: number | undefined
  readonly hosts?: readonly string[] | undefined
}

/** Serves the web reader on this machine's own address, to this machine only. */
export class ReaderServer {
  readonly #server: Server
  #other: Server | undefined
  readonly #secrets: Secrets
  readonly #end: AbortController

  private constructor(server: Server, secrets: Secrets, end: AbortController) {
    this.#server = server
    this.#secrets = secrets
    this.#end = end
  }

  /** @throws INVALID_INPUT if the port that was asked for is taken. */
  static async listen(options: ReaderServerOptions): Promise<ReaderServer> {
    const { operations, dataDir, port, hosts } = options
    const isNew = !wasOpened(dataDir)
    let state = await loadState(dataDir, DEFAULT_PORT)
    const secrets = new Secrets(state.secret)
    const end = new AbortController()
    const app = createReader({
      operations,
      hosts,
      secrets,
      signal: end.signal,
      origin: () => reader.origin,
      signOut: async () => {
        const secret = newSecret()
        await saveState(dataDir, { ...state, secret })
        state = { ...state, secret }
        secrets.renew(secret)
      },
    })
    const respond = getRequestListener(app.fetch, { overrideGlobalObjects: false })
    const listener: RequestListener = (request, response) => void respond(request, response)
    const server = serverOf(listener)
    const reader = new ReaderServer(server, secrets, end)
    if (!(await bind(server, port ?? state.port))) {
      if (port !== undefined) {
        throw new HyperletterError('INVALID_INPUT', `Port ${port} is taken.`, {
          hint: 'Choose another one with --port, or leave it out.',
        })
      }
      // Back at the kept port as soon as that is free again: feeds are subscribed to there.
      const { otherPort } = state
      if (otherPort === undefined || !(await bind(server, otherPort))) await bind(server, 0)
    }
    const served = reader.#port
    const isKept = isNew || port !== undefined || served === state.port
    state = { ...state, ...(isKept ? { port: served } : { otherPort: served }) }
    await saveState(dataDir, state)
    const other = serverOf(listener)
    // A machine may be without it, or the port taken there.
    if (await bind(other, served, OTHER_ADDRESS).catch(() => false)) reader.#other = other
    return reader
  }

  get #port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Where it is served. */
  get origin(): string {
    return `http://${ADDRESS}:${this.#port}`
  }

  /** An address that lets one browser in, once, and shows `path` to it. */
  enter(path = '/'): string {
    const to = localPath(path)
    const query = new URLSearchParams({
      token: this.#secrets.issue(),
      ...(to === '/' ? {} : { to }),
    })
    return `${this.origin}/enter?${query.toString()}`
  }

  /** Ends what goes on and closes every connection. */
  async close(): Promise<void> {
    if (this.#end.signal.aborted) return
    this.#end.abort()
    const servers = [this.#server, this.#other].filter((it) => it !== undefined)
    await Promise.all(
      servers.map(async (server) => {
        const closed = once(server, 'close')
        server.close()
        server.closeAllConnections()
        await closed
      }),
    )
  }
}

// Somebody who opens connections and sends half a request on each must not keep others out.
function evictUnfinished(server: Server): void {
  const unfinished = new Set<Socket>()
  const wait = (socket: Socket) => {
    if (socket.destroyed) return
    unfinished.add(socket)
    const [oldest] = unfinished
    if (unfinished.size > MAX_UNFINISHED) oldest?.destroy()
  }
  server.on('connection', (socket: Socket) => {
    socket.once('close', () => unfinished.delete(socket))
    wait(socket)
  })
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const { socket, headers } = request
    const hasBody = 'transfer-encoding' in headers || Number(headers['content-length'] ?? 0) > 0
    if (hasBody) request.once('end', () => unfinished.delete(socket))
    else unfinished.delete(socket)
    response.once('finish', () => wait(socket))
  })
}

function serverOf(listener: RequestListener): Server {
  const server = createServer(
    { maxHeaderSize: MAX_HEADER_BYTES, connectionsCheckingInterval: LOOK_EVERY_MS },
    listener,
  )
  server.headersTimeout = HEAD_TIMEOUT_MS
  server.requestTimeout = REQUEST_TIMEOUT_MS
  server.timeout = IDLE_TIMEOUT_MS
  server.maxConnections = MAX_CONNECTIONS
  evictUnfinished(server)
  return server
}

async function bind(server: Server, port: number, host = ADDRESS): Promise<boolean> {
  try {
    server.listen({ host, port, exclusive: true, backlog: BACKLOG })
    await once(server, 'listening')
    return true
  } catch (error) {
    if (port !== 0 && ['EADDRINUSE', 'EACCES'].includes(codeOf(error) ?? '')) return false
    throw error
  }
}
