import SecretStream from '@hyperswarm/secret-stream'
import type { Connection } from 'hyperswarm'
import Protomux from 'protomux'
import { codeOf } from '../../errors.ts'
import type { SigningKeyPair } from '../../format/crypto.ts'
import type { HypercoreLog } from '../../log/hypercore-log.ts'
import { guardReplication } from '../../log/internals/wire-guard.ts'
import { SocketStream, type MessageSocket } from '../../peers/web/socket-stream.ts'
import type { RateLimiter } from '../../rate-limiter.ts'

const KEEP_ALIVE_MS = 5_000
const SILENCE_MS = 20_000

/** What all connections of a tab have in common. */
export interface Shared {
  readonly log: HypercoreLog
  /** By which gateways and other tabs know this one. */
  readonly keyPair: SigningKeyPair
  /** Of what is sent to all of them, in bytes. */
  readonly limiter: RateLimiter
}

export interface ReplicateOptions extends Shared {
  readonly isInitiator: boolean
  /** Until the other side has proved its key, in milliseconds. */
  readonly deadlineMs: number
  /** Called before anything is sent. Gives whether it is somebody to replicate with. */
  readonly onOpen: (connection: Connection) => boolean
  readonly onClose: () => void
  /** It sent what no honest peer sends; the connection ends. */
  readonly onMisdeed: () => void
}

/** What a stream sends, no faster than a limiter allows. */
class LimitedStream extends SocketStream {
  readonly #limiter: RateLimiter

  constructor(socket: MessageSocket, limiter: RateLimiter) {
    super(socket)
    this.#limiter = limiter
  }

  override _write(data: unknown, done: (error: Error | null) => void): void {
    const waitMs = this.#limiter.reserve((data as Uint8Array).byteLength)
    if (waitMs === 0) super._write(data, done)
    else
      setTimeout(() => {
        if (this.destroying) done(new Error('The socket is closed.'))
        else super._write(data, done)
      }, waitMs)
  }
}

/** Replicates the log over a socket, whatever it is, once the other side has proved its key. */
export function connect(socket: MessageSocket, options: ReplicateOptions): Connection {
  const { log, keyPair, limiter, isInitiator, deadlineMs, onOpen, onClose, onMisdeed } = options
  const raw = new LimitedStream(socket, limiter)
  const stream = new SecretStream(isInitiator, raw, { keyPair, keepAlive: KEEP_ALIVE_MS })
  const deadline = setTimeout(() => stream.destroy(), deadlineMs)
  stream.on('error', () => undefined)
  stream.once('close', () => {
    clearTimeout(deadline)
    onClose()
  })
  stream.once('open', () => {
    clearTimeout(deadline)
    guardReplication(Protomux.from(stream), {
      onViolation(_, { hangUp }) {
        onMisdeed()
        if (hangUp) stream.destroy()
      },
      onExcess(forMs) {
        stream.pause()
        setTimeout(() => stream.resume(), forMs)
      },
    })
    if (!onOpen(stream)) {
      stream.destroy()
      return
    }
    stream.setTimeout(SILENCE_MS)
    log.core.replicate(stream)
  })
  return stream
}

/**
 * Calls `listener` with the key of each peer that sent what the author did not sign.
 * @returns what ends that.
 */
export function onWrongBlock(
  log: HypercoreLog,
  listener: (publicKey: Uint8Array) => void,
): () => void {
  return log.events.on('watchers', 'bad-block', (error, peer) => {
    // Not its fault.
    if (codeOf(error) !== 'DISK_FULL' && codeOf(error) !== 'ABORTED') listener(peer.publicKey)
  })
}
