import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

export interface WebHostOptions {
  readonly hasRanges?: boolean
  /** What it sends instead of a file. Undefined: no such file. */
  readonly alter?: (path: string, bytes: Buffer) => Buffer | undefined
  /** Whether it answers at all. */
  readonly answers?: (request: IncomingMessage, response: ServerResponse) => boolean
}

/** A plain web server of one folder, as it stands on the internet by the thousand. */
export class WebHost {
  /** `/path` or `/path 5-9`, each that was asked for. */
  readonly requests: string[] = []
  readonly headers: IncomingMessage['headers'][] = []
  bytes = 0
  options: WebHostOptions
  #port = 0

  private constructor(options: WebHostOptions) {
    this.options = options
  }

  /** Serves until the running test ends. */
  static async serve(folder: string, options: WebHostOptions = {}): Promise<WebHost> {
    const host = new WebHost(options)
    const server = createServer((request, response) => {
      host.#answer(folder, request, response).catch(() => response.destroy())
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
    })
    host.#port = (server.address() as AddressInfo).port
    return host
  }

  get address(): string {
    return `http://127.0.0.1:${this.#port}/`
  }

  get log(): string {
    return `${this.address}log/`
  }

  async #answer(folder: string, request: IncomingMessage, response: ServerResponse) {
    const { hasRanges = true, alter, answers } = this.options
    const path = request.url ?? ''
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? []
    this.requests.push(from === undefined ? path : `${path} ${from}-${to}`)
    this.headers.push(request.headers)
    if (answers?.(request, response) === false) return
    const found = await readFile(join(folder, path)).catch(() => undefined)
    const whole = found && alter ? alter(path, found) : found
    if (whole === undefined) return void response.writeHead(404).end()
    const isRange = hasRanges && from !== undefined
    const bytes = isRange ? whole.subarray(Number(from), Number(to) + 1) : whole
    this.bytes += bytes.byteLength
    response.writeHead(isRange ? 206 : 200).end(bytes)
  }
}
