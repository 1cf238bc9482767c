import { once } from 'node:events'
import { chmod, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { dirname } from 'node:path'
import * as z from 'zod'
import { drained, withinMs } from '../../async.ts'
import type { Reloaded } from '../../config/live.ts'
import { HyperletterError, invalidInput } from '../../errors.ts'
import type { Logger } from '../../logger.ts'
import type { Operations } from '../contract/contract.ts'
import { OPERATION_KINDS, type OperationName } from '../kinds.ts'
import { callByName } from '../map-operations.ts'
import { unusableDirectory } from '../../storage-errors.ts'
import * as protocol from './protocol.ts'
import { isPipe, makeSocketDirectory } from './protocol.ts'

export interface OperationsServerOptions {
  readonly socketPath: string
  readonly operations: Operations
  readonly info: () => protocol.DaemonInfo
  /** Serves the web reader, and gives an address that lets one browser in. */
  readonly openReader: (request: protocol.ReaderRequest) => Promise<string>
  readonly onReload: () => Promise<Reloaded>
  readonly onStop: () => void
  readonly logger: Logger
}

const CLOSE_DEADLINE_MS = 1_000

/** A trailer counts as part of the head, of which an HTTP client takes 16 KiB. */
const MAX_TRAILER_MESSAGE_LENGTH = 1_000

const readerRequest = z.strictObject({
  port: z.int().min(1).max(65_535).optional(),
  path: z.string().max(2_048).optional(),
  device: z.string().max(128).optional(),
  // What is in it is checked when the draft is looked at.
  preview: z.custom<protocol.ReaderRequest['preview']>((it) => typeof it === 'object').optional(),
})

/** Lends operations over a local socket. Whoever listens must hold the lock of the store. */
export class OperationsServer {
  readonly #options: OperationsServerOptions
  readonly #server: Server
  readonly #running = new Map<AbortController, Promise<void>>()
  #closing = false

  private constructor(options: OperationsServerOptions) {
    this.#options = options
    this.#server = createServer((request, response) => {
      this.#handle(request, response).catch((error: unknown) => fail(response, error))
    })
    // Operations may take hours (`watch`); only a slow request head is cut off.
    this.#server.requestTimeout = 0
  }

  /** A socket file left over by a crash is replaced: the lock already says that nobody else listens. */
  static async listen(options: OperationsServerOptions): Promise<OperationsServer> {
    const { socketPath } = options
    if (!isPipe(socketPath)) await makePlaceFor(socketPath)
    const server = new OperationsServer(options)
    server.#server.listen(socketPath)
    await once(server.#server, 'listening')
    if (!isPipe(socketPath)) await chmod(socketPath, 0o600)
    return server
  }

  /** Stops listening, aborts what runs, and waits for it and its answers to end. */
  async close(): Promise<void> {
    this.#closing = true
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve())
    })
    const work = Promise.allSettled(this.#running.values())
    for (const abort of this.#running.keys()) abort.abort()
    this.#server.closeIdleConnections()
    const isClosed = await withinMs(CLOSE_DEADLINE_MS, Promise.all([closed, work]))
    if (!isClosed) this.#server.closeAllConnections()
    await closed
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { url = '/', method } = request
    // Read to its end whatever it is: an answer that comes earlier is lost with the connection.
    const body = await readBody(request)
    if (method === 'GET' && url === protocol.DAEMON_PATH) {
      sendJson(response, this.#options.info())
      return
    }
    if (method === 'POST' && url === protocol.STOP_PATH) {
      response.once('close', this.#options.onStop)
      sendJson(response, {})
      return
    }
    if (method === 'POST' && url === protocol.RELOAD_PATH) {
      sendJson(response, await this.#options.onReload())
      return
    }
    if (request.headers[protocol.VERSION_HEADER] !== String(protocol.PROTOCOL_VERSION)) {
      const message = 'The daemon speaks another version of the protocol.'
      throw new HyperletterError('PROTOCOL_MISMATCH', message)
    }
    if (method === 'POST' && url === protocol.READER_PATH) {
      const input = readerRequest.safeParse(parseBody(body))
      if (!input.success) throw invalidInput('Not a page of the reader.')
      sendJson(response, { url: await this.#options.openReader(input.data) })
      return
    }
    const name = url.slice(protocol.OPERATIONS_PATH.length)
    if (method !== 'POST' || !url.startsWith(protocol.OPERATIONS_PATH) || !isOperation(name)) {
      throw invalidInput('The daemon has no such operation.')
    }
    await this.#run(name, parseBody(body), response)
  }

  async #run(name: OperationName, input: unknown, response: ServerResponse): Promise<void> {
    const abort = new AbortController()
    if (this.#closing || response.destroyed) abort.abort()
    response.once('close', () => abort.abort())
    const work = this.#answer(name, input, response, abort.signal)
    this.#running.set(abort, work)
    try {
      await work
    } finally {
      this.#running.delete(abort)
    }
  }

  async #answer(
    name: OperationName,
    input: unknown,
    response: ServerResponse,
    signal: AbortSignal,
  ): Promise<void> {
    const result = callByName(this.#options.operations, name, input, { signal })
    const kind = OPERATION_KINDS[name]
    if (kind === 'value') sendJson(response, await result)
    else await pour(result as AsyncIterable<unknown>, kind, response)
  }
}

async function makePlaceFor(socketPath: string): Promise<void> {
  try {
    await makeSocketDirectory(socketPath)
    await rm(socketPath, { force: true })
  } catch (error) {
    throw unusableDirectory(dirname(socketPath), error)
  }
}

function isOperation(name: string): name is OperationName {
  return Object.hasOwn(OPERATION_KINDS, name)
}

// Undefined if it is too large; what is over the limit is not kept.
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    sizeBytes += chunk.byteLength
    if (sizeBytes <= protocol.MAX_INPUT_BYTES) chunks.push(chunk)
    else chunks.length = 0
  }
  return sizeBytes > protocol.MAX_INPUT_BYTES ? undefined : Buffer.concat(chunks)
}

function parseBody(body: Buffer | undefined): unknown {
  if (body === undefined) {
    throw new HyperletterError('TOO_LARGE', `An input may have ${protocol.MAX_INPUT_BYTES} bytes.`)
  }
  try {
    return JSON.parse(body.toString('utf8'))
  } catch (cause) {
    throw invalidInput('The input is not JSON.', { cause })
  }
}

function sendJson(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' })
  response.end(JSON.stringify(value))
}

// The head is sent with the first part, so that an early failure still has a status of its own.
async function pour(
  parts: AsyncIterable<unknown>,
  kind: 'events' | 'bytes',
  response: ServerResponse,
): Promise<void> {
  const begin = () => {
    const contentType = kind === 'events' ? 'application/x-ndjson' : 'application/octet-stream'
    response.writeHead(200, { 'content-type': contentType, trailer: protocol.ERROR_TRAILER })
  }
  for await (const part of parts) {
    if (!response.headersSent) begin()
    const chunk = kind === 'events' ? `${JSON.stringify(part)}\n` : (part as Uint8Array)
    if (response.destroyed) return
    if (!response.write(chunk)) await drained(response)
  }
  if (!response.headersSent) begin()
  response.end()
}

function fail(response: ServerResponse, cause: unknown): void {
  const error = HyperletterError.from(cause)
  if (response.headersSent) {
    const { message, ...rest } = error.toJSON()
    const short = message.slice(0, MAX_TRAILER_MESSAGE_LENGTH).toWellFormed()
    const trailer = JSON.stringify({ error: { ...rest, message: short } })
    // A header must be ASCII.
    response.addTrailers({ [protocol.ERROR_TRAILER]: encodeURIComponent(trailer) })
    response.end()
    return
  }
  const json = JSON.stringify({ error })
  response.writeHead(error.httpStatus, { 'content-type': 'application/json', connection: 'close' })
  response.end(json)
}
