import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Config } from '../../config/config.ts'
import { HyperletterError } from '../../errors.ts'
import type { Logger } from '../../logger.ts'
import type { Operations, Output } from '../../api/contract/contract.ts'
import { engineMetrics, EXPOSITION_TYPE, formatMetrics, own, processMetrics } from './metrics.ts'
import { orAborted, SerialQueue } from '../../async.ts'
import { bind, closeServer, serverOf, portOfServer } from '../../web/http-server.ts'

export interface MonitoringOptions {
  readonly operations: Pick<Operations, 'measure'>
  readonly logger: Logger
  readonly retryMs?: number
}

const HOST = '127.0.0.1'

const RETRY_MS = 30_000

/** A monitoring system sends one request at a time. */
const MAX_CONNECTIONS = 16

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

  get port(): number | undefined {
    return this.#server && portOfServer(this.#server)
  }

  /** Serves on the port of a configuration. A port in use is logged and tried again. */
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
    const answer = (request: IncomingMessage, response: ServerResponse) => {
      this.#answer(request, response).catch((err: unknown) => {
        logger.debug({ err }, 'monitoring')
        response.destroy()
      })
    }
    const server = serverOf(answer, { maxConnections: MAX_CONNECTIONS })
    server.requestTimeout = REQUEST_TIMEOUT_MS
    if (!(await bind(server, port, HOST).catch(() => false))) {
      if (isFirst) {
        logger.error({ port }, `/metrics cannot be served on port ${port}; it is tried again`)
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
    if (server !== undefined) await closeServer(server)
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

type Measures = Output<'measure'>

interface Page {
  readonly status: number
  readonly contentType: string
  readonly body: string
}

/** Requests within this time of another get the same numbers. */
const FRESH_MS = 1_000

/** Prometheus gives up after ten seconds; an answer that says why must come before. */
const MEASURE_TIMEOUT_MS = 5_000

/** What is served to monitoring: `/metrics` and `/healthz`. */
export class Pages {
  readonly #operations: Pick<Operations, 'measure'>
  readonly #timeoutMs: number
  #last: Promise<Measures> | undefined
  #lastAt = -Infinity

  constructor(operations: Pick<Operations, 'measure'>, timeoutMs = MEASURE_TIMEOUT_MS) {
    this.#operations = operations
    this.#timeoutMs = timeoutMs
  }

  /** Undefined for a path where nothing is. */
  async get(path: string): Promise<Page | undefined> {
    if (path === '/metrics') return this.#metrics()
    if (path === '/healthz') return this.#health()
    return undefined
  }

  // The process can be looked at even where its engine does not answer.
  async #metrics(): Promise<Page> {
    const measures = await this.#measure().catch(() => undefined)
    const up = own('up', 'Whether the engine answers.', Number(measures !== undefined))
    const engine = measures === undefined ? [] : engineMetrics(measures)
    const body = formatMetrics([up, ...(await processMetrics()), ...engine])
    return { status: 200, contentType: EXPOSITION_TYPE, body }
  }

  async #health(): Promise<Page> {
    const reasons = await this.#measure().then(reasonsIn, (error: unknown) => [
      { code: HyperletterError.from(error).code, message: 'The engine does not answer.' },
    ])
    const isWell = reasons.length === 0
    const json = isWell ? { status: 'ok' } : { status: 'failing', reasons }
    const body = `${JSON.stringify(json)}\n`
    return { status: isWell ? 200 : 503, contentType: 'application/json', body }
  }

  #measure(): Promise<Measures> {
    const now = performance.now()
    if (this.#last === undefined || now - this.#lastAt > FRESH_MS) {
      const signal = AbortSignal.timeout(this.#timeoutMs)
      // What hangs may not notice the signal.
      this.#last = orAborted(this.#operations.measure({}, { signal }), signal).catch(
        (cause: unknown) => {
          if (!signal.aborted) throw cause
          throw new HyperletterError('TIMEOUT', 'No answer in time.', { cause })
        },
      )
      this.#lastAt = now
    }
    return this.#last
  }
}

function reasonsIn({ online, problem }: Measures) {
  const offline = { code: 'NOT_AVAILABLE', message: 'The network was not joined.' }
  return [...(problem === undefined ? [] : [problem]), ...(online ? [] : [offline])]
}
