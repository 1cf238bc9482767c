import { request as httpRequest, type IncomingMessage } from 'node:http'
import { json } from 'node:stream/consumers'
import type { Reloaded } from '../../config/live.ts'
import { defined } from '../../defined.ts'
import { codeOf, hasCode, HyperletterError } from '../../errors.ts'
import type { CallOptions, Operations } from '../contract/contract.ts'
import { OPERATION_KINDS } from '../kinds.ts'
import { mapOperations } from '../map-operations.ts'
import * as protocol from './protocol.ts'
import { assertOwnDirectory, readRecord } from './protocol.ts'

/** How long a daemon may take to say who it is. A busy one answers within milliseconds. */
const DIAL_TIMEOUT_MS = 3_000

const RELOAD_TIMEOUT_MS = 10_000

/** Codes of a socket on which nobody listens. */
const NOBODY = new Set(['ENOENT', 'ENOTDIR', 'ECONNREFUSED', 'ENOTSOCK', 'EACCES'])

/** Codes of a connection that ended in the middle. */
const GONE = new Set(['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE'])

const LINE_FEED = 0x0a

/**
 * The daemon that answers at a socket; undefined if none does.
 * @param dataDir says which process it is that does not answer.
 * @throws DAEMON_NOT_ANSWERING, PROTOCOL_MISMATCH
 */
export async function dial(
  socketPath: string,
  dataDir?: string,
): Promise<protocol.DaemonInfo | undefined> {
  const signal = AbortSignal.timeout(DIAL_TIMEOUT_MS)
  try {
    await assertOwnDirectory(socketPath)
    const response = await send(socketPath, 'GET', protocol.DAEMON_PATH, { signal })
    const info = await readJson(response, signal)
    if (protocol.isDaemonInfo(info)) return info
    throw new HyperletterError('PROTOCOL_MISMATCH', 'Something else answers in place of a daemon.')
  } catch (error) {
    if (hasCode(error, 'DAEMON_NOT_RUNNING')) return undefined
    if (!signal.aborted) throw error
    throw await notAnswering(dataDir, error)
  }
}

/** That a daemon has the data and does not answer, with its process id where that is known. */
export async function notAnswering(
  dataDir: string | undefined,
  cause: unknown,
): Promise<HyperletterError> {
  const record = dataDir === undefined ? undefined : await readRecord(dataDir)
  const who = record === undefined ? '' : ` (process ${record.pid}, version ${record.version})`
  return new HyperletterError('DAEMON_NOT_ANSWERING', `The daemon${who} does not answer.`, {
    cause,
  })
}

/** Asks the daemon to end. Returns when it has heard. @throws DAEMON_NOT_RUNNING */
export async function requestStop(socketPath: string): Promise<void> {
  const signal = AbortSignal.timeout(DIAL_TIMEOUT_MS)
  await readJson(await send(socketPath, 'POST', protocol.STOP_PATH, { signal }, {}), signal)
}

/** Asks the daemon to read its configuration again. @throws DAEMON_NOT_RUNNING, INVALID_INPUT */
export async function requestReload(socketPath: string): Promise<Reloaded> {
  const signal = AbortSignal.timeout(RELOAD_TIMEOUT_MS)
  const response = await send(socketPath, 'POST', protocol.RELOAD_PATH, { signal }, {})
  return (await readJson(response, signal)) as Reloaded
}

/** Asks the daemon to serve the web reader. @returns an address that lets one browser in. */
export async function requestReader(
  socketPath: string,
  request: protocol.ReaderRequest,
  { signal }: CallOptions = {},
): Promise<string> {
  const response = await send(socketPath, 'POST', protocol.READER_PATH, { signal }, request)
  const { url } = (await readJson(response, signal)) as { url?: unknown }
  if (typeof url === 'string') return url
  throw new HyperletterError('PROTOCOL_MISMATCH', 'The daemon knows nothing of a web reader.')
}

/**
 * The operations of the daemon that listens at `socketPath`. The daemon validates what it is asked; what it
 * answers is not validated again here.
 */
export function remoteOperations(socketPath: string): Operations {
  return mapOperations((name, input, { signal }) => ({
    run: () => {
      const path = protocol.OPERATIONS_PATH + name
      const sent = send(socketPath, 'POST', path, { signal }, input)
      const kind = OPERATION_KINDS[name]
      return kind === 'value'
        ? sent.then((response) => readJson(response, signal))
        : readStream(sent, kind, signal)
    },
    failure: (error) => translate(error, signal),
  }))
}

async function* readStream(
  sent: Promise<IncomingMessage>,
  kind: 'events' | 'bytes',
  signal: AbortSignal | undefined,
): AsyncGenerator {
  const response = await sent
  try {
    yield* kind === 'events' ? readLines(response) : response
    throwTrailer(response, signal)
  } finally {
    // Leaving early, by `break` or a failure, ends the request; the daemon then aborts its work.
    response.destroy()
  }
}

/** Node.js looks for a name to ask a certificate for, also where there is no TLS, by expressions that take 5 ms to compile. */
const NO_TLS = { servername: '' }

async function send(
  socketPath: string,
  method: 'GET' | 'POST',
  path: string,
  { signal }: CallOptions,
  input?: unknown,
): Promise<IncomingMessage> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = httpRequest({
      socketPath,
      method,
      path,
      agent: false,
      ...NO_TLS,
      headers: { [protocol.VERSION_HEADER]: String(protocol.PROTOCOL_VERSION) },
      ...defined({ signal }),
    })
    request.on('response', resolve)
    request.on('error', (error) => reject(translate(error, signal)))
    request.end(input === undefined ? undefined : JSON.stringify(input))
  })
  if (response.statusCode === 200) return response
  const body = (await readJson(response, signal)) as { error?: unknown } | null
  throw answered(body?.error, signal)
}

async function readJson(
  response: IncomingMessage,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  try {
    return await json(response)
  } catch (error) {
    throw translate(error, signal)
  }
}

// Not `readline`: that also breaks lines at U+2028 and U+2029, which JSON strings may hold as they are.
async function* readLines(response: IncomingMessage): AsyncGenerator {
  let pieces: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    let start = 0
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      pieces.push(chunk.subarray(start, end))
      yield JSON.parse(Buffer.concat(pieces).toString('utf8'))
      pieces = []
      sizeBytes = 0
      start = end + 1
    }
    pieces.push(chunk.subarray(start))
    sizeBytes += chunk.byteLength - start
    if (sizeBytes > protocol.MAX_LINE_BYTES) {
      throw new HyperletterError('INTERNAL', 'The daemon answered with a line that is too long.')
    }
  }
}

function throwTrailer(response: IncomingMessage, signal: AbortSignal | undefined): void {
  const trailer = response.trailers[protocol.ERROR_TRAILER]
  if (trailer === undefined) return
  const { error } = JSON.parse(decodeURIComponent(trailer)) as { error: unknown }
  throw answered(error, signal)
}

// Work that was aborted, though not by us, was aborted because the daemon ends.
function answered(sent: unknown, signal: AbortSignal | undefined): HyperletterError {
  const error = HyperletterError.fromJSON(sent)
  return error.code === 'ABORTED' && signal?.aborted !== true ? gone(error) : error
}

function translate(error: unknown, signal: AbortSignal | undefined): HyperletterError {
  if (signal?.aborted === true) {
    return new HyperletterError('ABORTED', 'Interrupted.', { cause: error })
  }
  const code = codeOf(error) ?? ''
  if (NOBODY.has(code)) {
    return new HyperletterError('DAEMON_NOT_RUNNING', 'No daemon answers.', { cause: error })
  }
  if (GONE.has(code)) return gone(error)
  return HyperletterError.from(error)
}

function gone(cause?: unknown): HyperletterError {
  const message = 'The daemon went away in the middle of its answer.'
  return new HyperletterError('DAEMON_NOT_RUNNING', message, { cause })
}
