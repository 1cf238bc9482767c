import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { onTestFinished } from 'vitest'
import type { Operations } from '../../src/api/contract/contract.ts'
import { ReaderServer } from '../../src/web/server.ts'
import { temporaryDirectory } from './temporary-directory.ts'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly bytes: Buffer
  readonly text: string
}

export interface Ask {
  readonly method?: string
  /** Beside `Host`, which is right unless it is among them. */
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** The web reader on a port of its own, until the running test ends. */
export interface RunningReader {
  readonly server: ReaderServer
  readonly origin: string
  readonly dataDir: string
  /** Of the browser that was let in. */
  readonly cookie: string
  /** A request as it stands: no cookie, nothing followed, the path not tidied up. */
  ask(path: string, options?: Ask): Promise<Answer>
  /** The same in a browser that was let in. */
  visit(path: string, options?: Ask): Promise<Answer>
  /** Sends a form of our own pages. */
  submit(path: string, fields?: Readonly<Record<string, string>>): Promise<Answer>
}

/** Serves `operations` in the browser. */
export async function startReader(
  operations: Operations,
  options: { readonly dataDir?: string; readonly port?: number } = {},
): Promise<RunningReader> {
  const dataDir = options.dataDir ?? (await temporaryDirectory())
  const { port } = options
  const server = await ReaderServer.listen({ operations, dataDir, port })
  onTestFinished(() => server.close())
  const { origin } = server
  const ask = (path: string, asked: Ask = {}) => send(origin, path, asked)
  const entered = await ask(server.enter().slice(origin.length))
  const cookie = String(entered.headers['set-cookie']).split(';', 1)[0] ?? ''
  const visit = (path: string, asked: Ask = {}) =>
    ask(path, { ...asked, headers: { cookie, ...asked.headers } })
  const submit = async (path: string, fields: Readonly<Record<string, string>> = {}) => {
    const page = await visit('/add')
    const token = /name="token"\s+value="([0-9a-f]+)"/.exec(page.text)?.[1] ?? ''
    return visit(path, form(origin, { token, ...fields }))
  }
  return { server, origin, dataDir, cookie, ask, visit, submit }
}

/** What a browser sends for a form. */
export function form(origin: string, fields: Readonly<Record<string, string>>): Ask {
  const body = new URLSearchParams(fields).toString()
  const headers = { origin, 'content-type': 'application/x-www-form-urlencoded' }
  return { method: 'POST', body, headers }
}

/** A request as it stands. Not fetch: that neither lets the host be chosen nor a path with dots through. */
export function send(
  origin: string,
  path: string,
  { method, headers, body }: Ask = {},
): Promise<Answer> {
  const { hostname, port } = new URL(origin)
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
    const sent = httpRequest(
      {
        hostname,
        port,
        path,
        method: method ?? 'GET',
        agent: false,
        headers: { ...length, ...headers },
      },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          const bytes = Buffer.concat(chunks)
          const { statusCode = 0, headers: answered } = response
          resolve({ status: statusCode, headers: answered, bytes, text: bytes.toString('utf8') })
        })
      },
    )
    sent.on('error', reject)
    sent.end(body)
  })
}
