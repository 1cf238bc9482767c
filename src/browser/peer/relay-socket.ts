import type { MessageSocket } from '../../peers/web/socket-stream.ts'

/** Bytes read between two acknowledgements. The other side sends a few times as many unacknowledged at most. */
const TELL_EVERY_BYTES = 64 * 1024

/** More than an honest tab sends before it is told. */
const MAX_UNTOLD_BYTES = 1024 * 1024

/** What carries the bytes of a `RelaySocket`. */
export interface RelayCarrier {
  /** @param taken bytes of the other side that were read so far. */
  readonly send: (taken: number, bytes: Uint8Array) => void
  readonly leave: () => void
}

/** A socket to another tab that goes by way of a gateway: what was sent and not read there counts as not sent. */
export class RelaySocket implements MessageSocket {
  readonly readyState = 'open'
  readonly #relay: RelayCarrier
  readonly #onMessage: ((event: { readonly data: unknown }) => void)[] = []
  readonly #onClose: (() => void)[] = []
  #sent = 0
  #takenThere = 0
  #taken = 0
  #told = 0
  #isPaused = false
  #isClosed = false

  constructor(relay: RelayCarrier) {
    this.#relay = relay
  }

  get bufferedAmount(): number {
    return this.#sent - this.#takenThere
  }

  addEventListener(type: string, listener: (event: { readonly data: unknown }) => void): void {
    if (type === 'message') this.#onMessage.push(listener)
    if (type === 'close') this.#onClose.push(listener as () => void)
  }

  send(bytes: Uint8Array<ArrayBuffer>): void {
    this.#sent += bytes.byteLength
    this.#told = this.#taken
    this.#relay.send(this.#taken, bytes)
  }

  /** The gateway brought this. */
  receive(taken: number, bytes: Uint8Array): void {
    this.#takenThere = Math.min(Math.max(taken, this.#takenThere), this.#sent)
    this.#taken += bytes.byteLength
    if (this.#taken - this.#told > MAX_UNTOLD_BYTES) this.close()
    else for (const it of this.#onMessage) it({ data: bytes })
    this.#tell()
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    this.#tell()
  }

  close(): void {
    if (!this.#isClosed) this.#relay.leave()
    this.left()
  }

  /** The other side, or the gateway, has ended it. */
  left(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    for (const it of this.#onClose) it()
  }

  #tell(): void {
    if (this.#isPaused || this.#isClosed || this.#taken - this.#told < TELL_EVERY_BYTES) return
    this.#told = this.#taken
    this.#relay.send(this.#taken, new Uint8Array())
  }
}
