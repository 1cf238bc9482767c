import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css',
  js: 'text/javascript',
  svg: 'image/svg+xml',
  png: 'image/png',
}

/** A request that was answered with a file. */
export interface Answered {
  readonly path: string
  readonly bytes: number
}

export interface StaticServer {
  readonly origin: string
  readonly answered: Answered[]
  /** What clients sent, in full. */
  readonly requests: string[]
}

export interface StaticServerOptions {
  /** Whether parts of files can be had; they can when absent. */
  readonly ranges?: boolean
  /** What is sent instead of a file. */
  readonly alter?: (path: string, bytes: Uint8Array) => Uint8Array
}

/** A plain web server of a folder, until the running test ends. */
export async function serveFolder(
  folder: string,
  { ranges = true, alter = (_, bytes) => bytes }: StaticServerOptions = {},
): Promise<StaticServer> {
  const answered: Answered[] = []
  const requests: string[] = []
  const server = createServer((request, response) => {
    void (async () => {
      const path = new URL(request.url ?? '/', 'http://site').pathname.replace(/\/$/, '/index.html')
      requests.push(`${request.url}\n${JSON.stringify(request.headers)}`)
      let bytes: Uint8Array
      try {
        bytes = alter(path.slice(1), await readFile(join(folder, decodeURIComponent(path))))
      } catch {
        response.writeHead(404).end()
        return
      }
      const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? []
      const isPart = ranges && from !== undefined
      const body = isPart ? bytes.subarray(Number(from), Number(to) + 1) : bytes
      answered.push({ path: path.slice(1), bytes: body.byteLength })
      response.writeHead(isPart ? 206 : 200, {
        'content-type': TYPES[path.split('.').at(-1) ?? ''] ?? 'application/octet-stream',
        'access-control-allow-origin': '*',
      })
      response.end(body)
    })()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    answered,
    requests,
  }
}
