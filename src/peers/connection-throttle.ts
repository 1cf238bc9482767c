import type { Connection } from 'hyperswarm'
import Protomux from 'protomux'
import type { RateLimiter } from '../rate-limiter.ts'

export interface ConnectionThrottleOptions {
  /** Bytes a second over all connections; absent for no limit. */
  readonly upload: RateLimiter | undefined
  readonly download: RateLimiter | undefined
  /** Called when a peer keeps sending though nothing is read. */
  readonly onFlood: () => void
}

type Done = (error: Error | null) => void

// What streams call and keep internals.
interface Internals {
  _write(data: Uint8Array, done: Done): void
  _read(done: Done): void
  readonly rawStream: {
    pause(): void
    readonly _readableState?: { readonly buffered: number }
  }
}

/** More than a peer that follows the protocol sends before it notices that nothing is read, in bytes. */
const MAX_UNREAD_BYTES = { usual: 16 * 1024 * 1024, withDownloadLimit: 64 * 1024 * 1024 }

/**
 * Slows one connection down. What is to be sent waits in the queue of the connection, which replication
 * heeds: it reads no further blocks from disk meanwhile. As long as nothing is read, nothing more is
 * asked for.
 */
export class ConnectionThrottle {
  readonly #internals: Internals
  readonly #onFlood: () => void
  readonly #maxUnreadBytes: number
  #heldUntil = 0
  #timer: NodeJS.Timeout | undefined
  #read: Done | undefined

  /** To be made when the connection has its reader. */
  constructor(connection: Connection, { upload, download, onFlood }: ConnectionThrottleOptions) {
    const internals = connection as unknown as Internals
    this.#internals = internals
    this.#onFlood = onFlood
    this.#maxUnreadBytes = MAX_UNREAD_BYTES[download === undefined ? 'usual' : 'withDownloadLimit']
    if (upload !== undefined) {
      // By default replication sends all that was requested in one piece, up to 8 MiB.
      const mux = Protomux.from(connection)
      Object.assign(mux, { cork: () => undefined, uncork: () => undefined })
      const write = internals._write.bind(internals)
      internals._write = (data, done) => {
        const waitMs = upload.reserve(data.byteLength)
        write(data, waitMs === 0 ? done : (error) => void setTimeout(done, waitMs, error))
      }
    }
    const read = internals._read.bind(internals)
    internals._read = (done) => {
      if (this.#timer === undefined) read(done)
      else this.#read = done
    }
    if (download !== undefined) {
      connection.on('data', (data: Uint8Array) => this.hold(download.reserve(data.byteLength)))
    }
    connection.once('close', () => {
      clearTimeout(this.#timer)
      this.#timer = undefined
    })
  }

  /** Reads nothing of the connection for this long. */
  hold(forMs: number): void {
    const now = performance.now()
    if (forMs <= 0 || now + forMs <= this.#heldUntil) return
    this.#heldUntil = now + forMs
    const { rawStream } = this.#internals
    rawStream.pause()
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#release(), forMs)
    if ((rawStream._readableState?.buffered ?? 0) > this.#maxUnreadBytes) this.#onFlood()
  }

  #release(): void {
    this.#timer = undefined
    const done = this.#read ?? (() => undefined)
    this.#read = undefined
    this.#internals._read(done)
  }
}
