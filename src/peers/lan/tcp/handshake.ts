import type { Socket } from 'node:net'
import SecretStream from '@hyperswarm/secret-stream'
import type { KeyPair } from 'hypercore-crypto'
import type { Connection } from 'hyperswarm'
import { FirstFrames } from './first-frames.ts'

export interface HandshakeOptions {
  readonly keyPair: KeyPair
  /** Whom we called; absent if we were. */
  readonly remotePublicKey?: Uint8Array | undefined
  /** From now on, with whatever the socket still has to do. */
  readonly deadlineMs: number
}

/** As the DHT has it. */
const KEEP_ALIVE_MS = 5_000

/**
 * Until the caller has proved who it is: two frames of the handshake, and an empty message. Who answers proves
 * it with its first frame.
 */
const FRAMES = { called: 3, calling: 1 }

/**
 * An encrypted stream over TCP, once the other side has proved its key. By Noise IK, as in the DHT: who does not
 * know the key of whom it calls gets no answer, and so does not learn it. The socket belongs to the stream.
 * @throws Error if that fails or takes too long.
 */
export async function shakeHands(
  socket: Socket,
  { keyPair, remotePublicKey, deadlineMs }: HandshakeOptions,
): Promise<Connection> {
  const isInitiator = remotePublicKey !== undefined
  const stream = new SecretStream(isInitiator, socket, {
    keyPair,
    pattern: 'IK',
    keepAlive: KEEP_ALIVE_MS,
    ...(isInitiator ? { remotePublicKey } : {}),
  })
  const frames = new FirstFrames(isInitiator ? FRAMES.calling : FRAMES.called)
  let timer: NodeJS.Timeout | undefined
  let watch: ((bytes: Uint8Array) => void) | undefined
  try {
    await new Promise<void>((resolve, reject) => {
      stream.on('error', reject)
      stream.on('close', () => reject(new Error('It was closed before it was open.')))
      timer = setTimeout(() => stream.destroy(new Error('It took too long.')), deadlineMs)
      // The first handshake of somebody else can be sent once more by who heard it, and seems right. What
      // follows cannot be made without the keys.
      const look = () => {
        if (stream.rawBytesRead > 0 && !stream.destroying) resolve()
      }
      watch = (bytes) => {
        if (!frames.allow(bytes)) stream.destroy(new Error('It sends too long a frame.'))
        else if (!isInitiator) queueMicrotask(look)
      }
      // Before the stream looks, which it does from its opening on.
      socket.on('data', watch)
      if (isInitiator) stream.once('open', resolve)
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
