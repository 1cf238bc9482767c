import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import SecretStream from '@hyperswarm/secret-stream'
import type { Connection } from 'hyperswarm'
import type { KeyPair } from '../dht.ts'

export interface HandshakeOptions {
  readonly keyPair: KeyPair
  /** The peer that was dialed; absent if it dialed us. */
  readonly remotePublicKey?: Uint8Array | undefined
  /**
   * Of Noise. IK when absent, as in the DHT: a dialer that does not know the key of the listener gets no answer, and so
   * does not learn it. With XX it does.
   */
  readonly pattern?: 'IK' | 'XX'
  /** From now on, with whatever the socket still has to do. */
  readonly deadlineMs: number
}

/** As the DHT has it. */
const KEEP_ALIVE_MS = 5_000

/**
 * Frames until the peer has proved its key, and the one after: from a dialer two of the handshake and an empty message,
 * with XX three of the handshake; one from a listener.
 */
const FRAMES = { fromDialer: 3, fromListener: 1 }

/**
 * An encrypted stream over another one, such as that of a TCP socket, once the other side has proved its key. The socket
 * belongs to the stream.
 * @throws Error if that fails or takes too long.
 */
export async function handshake(socket: Duplex, options: HandshakeOptions): Promise<Connection> {
  const { keyPair, remotePublicKey, deadlineMs, pattern = 'IK' } = options
  const isInitiator = remotePublicKey !== undefined
  const stream = new SecretStream(isInitiator, socket, {
    keyPair,
    pattern,
    keepAlive: KEEP_ALIVE_MS,
    ...(isInitiator ? { remotePublicKey } : {}),
  })
  const frames = new FirstFrames(isInitiator ? FRAMES.fromListener : FRAMES.fromDialer)
  let timer: NodeJS.Timeout | undefined
  let watch: ((bytes: Uint8Array) => void) | undefined
  try {
    await new Promise<void>((resolve, reject) => {
      stream.on('error', reject)
      stream.on('close', () => reject(new Error('It was closed before it was open.')))
      timer = setTimeout(() => stream.destroy(new Error('It took too long.')), deadlineMs)
      // With IK a recorded first frame of another peer can be replayed, and seems right. What follows takes the keys.
      const look = () => {
        if (stream.rawBytesRead > 0 && !stream.destroying) resolve()
      }
      watch = (bytes) => {
        if (!frames.allow(bytes)) stream.destroy(new Error('It sends too long a frame.'))
        else if (!isInitiator && pattern === 'IK') queueMicrotask(look)
      }
      // Before the stream looks, which it does from its opening on.
      socket.on('data', watch)
      if (isInitiator || pattern === 'XX') stream.once('open', resolve)
    })
    if (isInitiator) stream.sendKeepAlive()
    return stream
  } catch (error) {
    stream.destroy()
    throw error
  } finally {
    clearTimeout(timer)
    if (watch !== undefined) socket.off('data', watch)
  }
}

/** A frame begins with its length, little-endian. */
const LENGTH_BYTES = 3

/** The longest of a handshake is its first one, 96 bytes. */
const MAX_FRAME_BYTES = 128

/**
 * Reads along with the first frames of an encrypted stream, whose sender is not known yet, to see whether one
 * claims to be longer than any of a handshake: so much memory would be taken for it at once, up to 16 MiB.
 */
export class FirstFrames {
  #framesLeft: number
  #length = 0
  #lengthBytes = 0
  #bytesLeft = 0

  /** @param count how many frames are looked at; those after them may be of any length. */
  constructor(count: number) {
    this.#framesLeft = count
  }

  /** Whether what came so far is well, with this. */
  allow(bytes: Uint8Array): boolean {
    for (let at = 0; at < bytes.byteLength && (this.#framesLeft > 0 || this.#bytesLeft > 0);) {
      if (this.#bytesLeft > 0) {
        const some = Math.min(this.#bytesLeft, bytes.byteLength - at)
        this.#bytesLeft -= some
        at += some
      } else {
        this.#length += (bytes[at] ?? 0) * 256 ** this.#lengthBytes
        at++
        this.#lengthBytes++
        if (this.#lengthBytes === LENGTH_BYTES && !this.#begin()) return false
      }
    }
    return true
  }

  #begin(): boolean {
    const length = this.#length
    this.#bytesLeft = length
    this.#framesLeft--
    this.#length = 0
    this.#lengthBytes = 0
    return length <= MAX_FRAME_BYTES
  }
}

/** How often it is checked that something arrives. */
const CHECK_EVERY_MS = 5_000

/** Each side sends something each 5 s. Counted in checks: while this machine sleeps no peer is silent. */
const SILENT_CHECKS = 3

/** Ends a connection from which nothing comes any more; the kernel would wait for a quarter of an hour. */
export function endWhenSilent(connection: Connection, socket: Socket): void {
  let before = socket.bytesRead
  let silent = 0
  const timer = setInterval(() => {
    // A peer that is held back for our sake is not silent.
    const isSilent = socket.bytesRead === before && !socket.isPaused()
    before = socket.bytesRead
    silent = isSilent ? silent + 1 : 0
    if (silent < SILENT_CHECKS) return
    connection.destroy(Object.assign(new Error('It stopped answering.'), { code: 'ETIMEDOUT' }))
  }, CHECK_EVERY_MS).unref()
  connection.once('close', () => clearInterval(timer))
}
