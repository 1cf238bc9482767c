import { createSocket } from 'node:dgram'
import { isIPv4 } from 'node:net'
import { LRUCache } from 'lru-cache'
import type { ListenAddress } from '../../config/values.ts'
import { invalidInput } from '../../errors.ts'
import { RateLimiter } from '../../rate-limiter.ts'

/** RFC 8489: binding, of the classes request and success. */
const BINDING_REQUEST = 0x0001
const BINDING_SUCCESS = 0x0101
const MAGIC_COOKIE = 0x2112a442
const HEADER_BYTES = 20
const XOR_MAPPED_ADDRESS = 0x0020
const IPV4 = 1

/** The largest request that RFC 8489 has a client send. */
const MAX_REQUEST_BYTES = 576

/** Requests of one address that are answered: a browser repeats one seven times. */
const RATE = { perSecond: 4, burst: 64 }

/** Of all addresses, which can be forged. */
const ALL = { perSecond: 500, burst: 1_000 }

const MAX_ADDRESSES = 4_096

/**
 * What a STUN server answers: from which address and port it was asked. An answer is 12 bytes longer than the shortest request.
 * @param from Where the request came from, over IPv4.
 * @returns undefined to what is no request for that.
 */
export function bindingAnswer(
  request: Uint8Array,
  from: { readonly address: string; readonly port: number },
): Uint8Array | undefined {
  const { byteLength } = request
  if (byteLength < HEADER_BYTES || byteLength > MAX_REQUEST_BYTES) return undefined
  const asked = new DataView(request.buffer, request.byteOffset, byteLength)
  const isRequest =
    asked.getUint16(0) === BINDING_REQUEST &&
    asked.getUint16(2) === byteLength - HEADER_BYTES &&
    byteLength % 4 === 0 &&
    asked.getUint32(4) === MAGIC_COOKIE
  // Nothing can be sent to port 0: that would end the process.
  if (!isRequest || !isIPv4(from.address) || from.port === 0) return undefined
  const bytes = new Uint8Array(HEADER_BYTES + 12)
  const answer = new DataView(bytes.buffer)
  // Cookie and transaction.
  bytes.set(request.subarray(4, HEADER_BYTES), 4)
  answer.setUint16(0, BINDING_SUCCESS)
  answer.setUint16(2, 12)
  answer.setUint16(20, XOR_MAPPED_ADDRESS)
  answer.setUint16(22, 8)
  answer.setUint8(25, IPV4)
  answer.setUint16(26, from.port ^ (MAGIC_COOKIE >>> 16))
  const [a = 0, b = 0, c = 0, d = 0] = from.address.split('.').map(Number)
  answer.setUint32(28, ((a << 24) | (b << 16) | (c << 8) | d) ^ MAGIC_COOKIE)
  return bytes
}

/** Answers STUN until it is closed. */
export interface StunServer {
  readonly port: number
  close(): Promise<void>
}

/** That of STUN (RFC 8489). */
const DEFAULT_PORT = 3_478

/** @throws INVALID_INPUT if the port cannot be had. */
export async function openStun({ host, port = DEFAULT_PORT }: ListenAddress): Promise<StunServer> {
  const socket = createSocket('udp4')
  const all = new RateLimiter(ALL)
  const rates = new LRUCache<string, RateLimiter>({ max: MAX_ADDRESSES })
  socket.on('message', (request, from) => {
    const answer = bindingAnswer(request, from)
    if (answer === undefined) return
    const rate = rates.get(from.address) ?? new RateLimiter(RATE)
    rates.set(from.address, rate)
    if (rate.take() && all.take()) socket.send(answer, from.port, from.address, () => undefined)
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('error', (cause) => {
      const message = `UDP port ${port} of ${host} cannot be had.`
      reject(invalidInput(message, { cause }))
    })
    socket.bind(port, host, () => {
      socket.removeAllListeners('error')
      socket.on('error', () => undefined)
      resolve()
    })
  })
  return {
    port: socket.address().port,
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  }
}
