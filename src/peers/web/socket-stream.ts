import { Duplex } from 'streamx'

/** The subprotocol of the WebSocket between a tab and a gateway (docs/protocol.md). */
export const SUBPROTOCOL = 'hyperletter.1'

/** What a WebSocket of a browser, one of the package `ws`, and a WebRTC data channel have in common. */
export interface MessageSocket {
  /** 0 or `connecting` before it is open. */
  readonly readyState: number | string
  /** Bytes that were handed over and not sent yet. */
  readonly bufferedAmount: number
  send(message: Uint8Array<ArrayBuffer>): void
  close(): void
  addEventListener(type: 'open' | 'close' | 'error', listener: () => void): void
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void
  /** Reads nothing more for a while. Only sockets of `ws` can. */
  pause?(): void
  resume?(): void
  /** Closes without a handshake of closing. Only sockets of `ws` can. */
  terminate?(): void
}

type Done = (error: Error | null) => void

/** A message that every browser and every data channel takes. Boundaries between messages have no meaning. */
const MESSAGE_BYTES = 64 * 1_024

/** No more is handed to the socket while it has not sent this. */
const MAX_UNSENT_BYTES = 256 * 1_024

/** Sockets of browsers do not tell when they have room again, so they are asked: after 1 ms, then less often. */
const LONGEST_WAIT_MS = 64

/** More than an honest peer sends before it notices that nothing is read; for sockets that cannot be paused. */
const MAX_UNREAD_BYTES = 32 * 1_024 * 1_024

/**
 * The bytes of a message socket as a stream in both directions, which `@hyperswarm/secret-stream` runs on as it does on
 * TCP: binary messages, one after the other. The socket belongs to the stream. Binary data must arrive as
 * `ArrayBuffer` or `Uint8Array`: set `binaryType` to `arraybuffer`, with `ws` to `nodebuffer`.
 *
 * A text message destroys the stream with an error, as does a socket that fails. One that is closed ends it at once.
 */
export class SocketStream extends Duplex {
  readonly #socket: MessageSocket
  #onOpen: Done | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #write: Done | undefined

  constructor(socket: MessageSocket) {
    super({ highWaterMark: MAX_UNSENT_BYTES })
    this.#socket = socket
    socket.addEventListener('message', ({ data }) => this.#onMessage(data))
    socket.addEventListener('open', () => this.#opened(null))
    socket.addEventListener('error', () => this.destroy(new Error('The socket failed.')))
    socket.addEventListener('close', () => this.destroy())
  }

  override _open(done: Done): void {
    const { readyState } = this.#socket
    if (readyState === 0 || readyState === 'connecting') this.#onOpen = done
    else done(null)
  }

  override _read(done: Done): void {
    this.#socket.resume?.()
    done(null)
  }

  override _write(data: unknown, done: Done): void {
    this.#send(data as Uint8Array<ArrayBuffer>, done, 1)
  }

  override _final(done: Done): void {
    this.#socket.close()
    done(null)
  }

  override _predestroy(): void {
    clearTimeout(this.#timer)
    const error = new Error('The socket is closed.')
    this.#opened(error)
    this.#write?.(error)
    this.#write = undefined
    if (this.#socket.terminate === undefined) this.#socket.close()
    else this.#socket.terminate()
  }

  #opened(error: Error | null): void {
    const done = this.#onOpen
    this.#onOpen = undefined
    done?.(error)
  }

  #send(bytes: Uint8Array<ArrayBuffer>, done: Done, waitMs: number): void {
    let rest = bytes
    try {
      while (rest.byteLength > 0 && this.#socket.bufferedAmount < MAX_UNSENT_BYTES) {
        this.#socket.send(rest.subarray(0, MESSAGE_BYTES))
        rest = rest.subarray(MESSAGE_BYTES)
      }
    } catch (error) {
      done(error as Error)
      return
    }
    if (rest.byteLength === 0) {
      done(null)
      return
    }
    this.#write = done
    const next = rest.byteLength < bytes.byteLength ? 1 : Math.min(2 * waitMs, LONGEST_WAIT_MS)
    this.#timer = setTimeout(() => {
      this.#write = undefined
      this.#send(rest, done, next)
    }, waitMs)
  }

  #onMessage(data: unknown): void {
    if (this.destroying) return
    const bytes = data instanceof ArrayBuffer ? new Uint8Array(data) : data
    if (!(bytes instanceof Uint8Array)) {
      this.destroy(new Error('A message is not binary.'))
      return
    }
    // An empty chunk would mean nothing to a stream.
    if (bytes.byteLength === 0 || this.push(bytes)) return
    if (this.#socket.pause !== undefined) this.#socket.pause()
    else if (this.#unreadBytes > MAX_UNREAD_BYTES) {
      this.destroy(new Error('More is sent than can be read.'))
    }
  }

  get #unreadBytes(): number {
    return (this as unknown as { _readableState: { buffered: number } })._readableState.buffered
  }
}
