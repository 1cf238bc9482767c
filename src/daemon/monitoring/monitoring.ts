import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Config } from '../../config/config.ts'
import { codeOf } from '../../errors.ts'
import type { Logger } from '../../logger.ts'
import type { Operations } from '../../api/contract/contract.ts'
import { Pages } from './pages.ts'
import { SerialQueue } from '../../serial-queue.ts'

export interface MonitoringOptions {
  readonly operations: Pick<Operations, 'measure'>
  readonly logger: Logger
  /** How soon a port that is taken is tried again. */
  readonly retryMs?: number
}

const HOST = '127.0.0.1'

const RETRY_MS = 30_000

/** Monitoring asks one thing at a time. */
const MAX_CONNECTIONS = 16

/** How long somebody may take to ask. */
const REQUEST_TIMEOUT_MS = 5_000

/** Serves `/metrics` and `/healthz` on a port of this machine, if one is set. */
export class Monitoring {
  readonly #options: MonitoringOptions
  readonly #pages: Pages
  #server: Server | undefined
  #timer: NodeJS.Timeout | undefined
  readonly #queue = new SerialQueue()

  constructor(options: MonitoringOptions) {
    this.#options = options
    this.#pages = new Pages(options.operations)
  }

  /** The port that is served now. */
  get port(): number | undefined {
    const address = this.#server?.address()
    return typeof address === 'object' ? address?.port : undefined
  }

  /** Serves from now on where a configuration says. A port that is taken is logged, and tried again. */
  apply({ metricsPort }: Pick<Config, 'metricsPort'>): Promise<void> {
    return this.#queue.run(async () => {
      await this.#stop()
      if (metricsPort !== undefined) await this.#listen(metricsPort, { isFirst: true })
    })
  }

  async close(): Promise<void> {
    await this.#queue.idle()
    await this.#stop()
  }

  async #listen(port: number, { isFirst }: { readonly isFirst: boolean }): Promise<void> {
    const { logger, retryMs = RETRY_MS } = this.#options
    const server = createServer((request, response) => {
      this.#answer(request, response).catch((err: unknown) => {
        logger.debug({ err }, 'monitoring')
        response.destroy()
      })
    })
    server.maxConnections = MAX_CONNECTIONS
    server.requestTimeout = REQUEST_TIMEOUT_MS
    server.headersTimeout = REQUEST_TIMEOUT_MS
    try {
      server.listen(port, HOST)
      await once(server, 'listening')
    } catch (error) {
      if (isFirst) {
        const err = codeOf(error) ?? String(error)
        logger.error({ port, err }, `/metrics cannot be served on port ${port}; it is tried again`)
      }
      this.#timer = setTimeout(() => {
        void this.#queue.run(() => this.#listen(port, { isFirst: false }))
      }, retryMs)
      this.#timer.unref()
      return
    }
    server.on('error', (err) => logger.warn({ err: err.message }, 'monitoring'))
    logger.info({ port }, '/metrics and /healthz are served')
    this.#server = server
  }

  async #stop(): Promise<void> {
    clearTimeout(this.#timer)
    const server = this.#server
    this.#server = undefined
    if (server === undefined) return
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method, url = '/', headers } = request
    // Another page in a browser must not read this by a name that leads here.
    if (!isThisMachine(headers.host)) return send(response, 403, 'Only for this machine.\n')
    if (method !== 'GET' && method !== 'HEAD') return send(response, 405, 'Only GET.\n')
    const page = await this.#pages.get(url.split('?', 1)[0] ?? '/')
    if (page === undefined) return send(response, 404, 'There are /metrics and /healthz.\n')
    send(response, page.status, page.body, page.contentType)
  }
}

function isThisMachine(host: string | undefined): boolean {
  return /^(?:127\.0\.0\.1|localhost|\[::1\])(?::\d+)?$/.test(host ?? '')
}

function send(
  response: ServerResponse,
  status: number,
  body: string,
  contentType = 'text/plain; charset=utf-8',
): void {
  response.writeHead(status, {
    'content-type': contentType,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  })
  response.end(response.req.method === 'HEAD' ? '' : body)
}
