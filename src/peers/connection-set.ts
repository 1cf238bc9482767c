import type { Connection } from 'hyperswarm'
import { RateLimiter } from '../rate-limiter.ts'
import Protomux from 'protomux'

/** What can change while connections are there. */
export interface ConnectionLimits {
  /** Bytes a second over all connections; no limit when absent. */
  readonly uploadLimit?: number | undefined
  readonly downloadLimit?: number | undefined
  /** Connections at a time; `MAX_CONNECTIONS` when absent. */
  readonly maxConnections?: number | undefined
}

/** Connections that are accepted by default. The swarm alone dials 64 and accepts all. */
const MAX_CONNECTIONS = 256

/** Bytes that may go at once, in seconds of the rate. */
const BURST_SECONDS = 0.1

/** How long a peer may take to answer when the network may have changed. */
const PROBE_MS = 3_000

interface Entry {
  readonly connection: Connection
  readonly throttle: ConnectionThrottle
  readonly isTab: boolean
  readonly onEnd: () => void
}

/** What is done about a connection. */
interface AddOptions {
  readonly isTab: boolean
  /** Called when it sends more than can be read. */
  readonly onFlood: () => void
  /** Called when it was the connection to this peer until the end. */
  readonly onClose: () => void
  /** Bytes a second that its relay asks to keep to, while it has one. */
  readonly rate: () => number | undefined
}

/** The connections there are, and what each may take. Peers are named by their public keys in hex. */
export class ConnectionSet {
  readonly #entries = new Map<string, Entry>()
  #maxConnections = MAX_CONNECTIONS
  #tabs = 0
  /** Bytes a second over all connections; no limit when absent. */
  uploadLimit: number | undefined
  #upload: RateLimiter | undefined
  #download: RateLimiter | undefined

  /** Without browser tabs, which have a limit of their own. */
  get size(): number {
    return this.#entries.size - this.#tabs
  }

  get maxConnections(): number {
    return this.#maxConnections
  }

  has(peer: string): boolean {
    return this.#entries.has(peer)
  }

  connectionTo(peer: string): Connection | undefined {
    return this.#entries.get(peer)?.connection
  }

  isTab(peer: string): boolean {
    return this.#entries.get(peer)?.isTab === true
  }

  /** How long, in milliseconds, to wait before so many bytes are sent to somebody else. */
  reserveUpload(bytes: number): number {
    return this.#upload?.reserve(bytes) ?? 0
  }

  /** Sets limits for connections to come. */
  limit({ uploadLimit, downloadLimit, maxConnections }: ConnectionLimits): void {
    this.uploadLimit = uploadLimit
    this.#upload = rate(uploadLimit)
    this.#download = rate(downloadLimit)
    this.#maxConnections = maxConnections ?? MAX_CONNECTIONS
  }

  add(peer: string, connection: Connection, options: AddOptions): void {
    const { isTab, onFlood, onClose } = options
    const relay = rate(options.rate())
    // Both sides may find a direct way later.
    const relayed = relay && { reserve: (n: number) => (options.rate() ? relay.reserve(n) : 0) }
    const upload = [this.#upload, relayed].filter((it) => it !== undefined)
    const throttle = new ConnectionThrottle(connection, upload, this.#download, onFlood)
    const onEnd = () => {
      if (this.#entries.get(peer) !== entry) return
      this.#drop(peer)
      onClose()
    }
    const entry: Entry = { connection, throttle, isTab, onEnd }
    this.#drop(peer)
    this.#entries.set(peer, entry)
    if (isTab) this.#tabs++
    connection.on('close', onEnd)
  }

  /**
   * Ends the oldest connection on which nothing has arrived: anybody begins one with a single packet, under any address.
   * @returns whether there was one.
   */
  endUnheard(): boolean {
    for (const { connection, onEnd } of this.#entries.values()) {
      // Over TCP a key was proved before.
      if (connection.rawStream.bytesReceived !== 0) continue
      onEnd()
      connection.destroy()
      return true
    }
    return false
  }

  /** Reads nothing of a peer for this long, in milliseconds. */
  hold(peer: string, forMs: number): void {
    this.#entries.get(peer)?.throttle.hold(forMs)
  }

  hangUp(peer: string): void {
    this.#entries.get(peer)?.connection.destroy()
  }

  hangUpAll(): void {
    for (const { connection } of this.#entries.values()) connection.destroy()
  }

  /** Ends the connections whose peers do not answer in time. */
  probeAll(): void {
    for (const { connection } of this.#entries.values()) probe(connection)
  }

  #drop(peer: string): void {
    if (this.isTab(peer)) this.#tabs--
    this.#entries.delete(peer)
  }
}

// A peer that is there acknowledges what is sent.
function probe(connection: Connection): void {
  const before = connection.rawStream.bytesReceived
  connection.sendKeepAlive()
  // Over TCP only the kernel knows. A peer that is gone answers with a reset, or ends by the keep-alive.
  if (before === undefined) return
  const timer = setTimeout(() => {
    if (connection.rawStream.bytesReceived === before) connection.destroy()
  }, PROBE_MS)
  connection.once('close', () => clearTimeout(timer))
}

function rate(perSecond: number | undefined): RateLimiter | undefined {
  if (perSecond === undefined) return undefined
  return new RateLimiter({ perSecond, burst: perSecond * BURST_SECONDS })
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
class ConnectionThrottle {
  readonly #internals: Internals
  readonly #onFlood: () => void
  readonly #maxUnreadBytes: number
  #heldUntil = 0
  #timer: NodeJS.Timeout | undefined
  #read: Done | undefined

  /**
   * To be made when the connection has its reader.
   * @param upload limits of what is sent, all of which count; @param onFlood called when a peer keeps sending
   * though nothing is read.
   */
  constructor(
    connection: Connection,
    upload: readonly Pick<RateLimiter, 'reserve'>[],
    download: RateLimiter | undefined,
    onFlood: () => void,
  ) {
    const internals = connection as unknown as Internals
    this.#internals = internals
    this.#onFlood = onFlood
    this.#maxUnreadBytes = MAX_UNREAD_BYTES[download === undefined ? 'usual' : 'withDownloadLimit']
    if (upload.length > 0) {
      // By default replication sends all that was requested in one piece, up to 8 MiB.
      const mux = Protomux.from(connection)
      Object.assign(mux, { cork: () => undefined, uncork: () => undefined })
      const write = internals._write.bind(internals)
      internals._write = (data, done) => {
        const waitMs = Math.max(...upload.map((it) => it.reserve(data.byteLength)))
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
