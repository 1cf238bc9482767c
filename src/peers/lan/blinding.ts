import { createHmac } from 'node:crypto'

/** Keeps what is derived here apart from whatever else is derived from a discovery key. */
const CONTEXT = 'hyperletter/local/1'

export const SALT_BYTES = 16
export const TAG_BYTES = 8
export const KEY_BYTES = 32
export const PORT_BYTES = 2

/** Nobody listens there. */
const NO_PORT = 0

/** What one newsletter looks like in an announcement with a certain salt. */
export interface BlindedTopic {
  /** Recognized only by who knows the discovery key. */
  readonly tag: Buffer
  /** Takes a public key there and back. */
  readonly mask: (key: Uint8Array) => Buffer
  /** Hides a TCP port, or that there is none. */
  readonly hidePort: (port: number | undefined) => Buffer
  /** The port that `hidePort` hid. */
  readonly showPort: (hidden: Uint8Array) => number | undefined
}

/**
 * Everybody in a café hears announcements. With a salt that changes, who does not know a discovery key
 * learns neither which newsletters a device has, nor its public key, by which it could be known again
 * elsewhere. Who does know it learns both, as in the DHT.
 */
export function blindTopic(discoveryKey: Uint8Array, salt: Uint8Array): BlindedTopic {
  const hash = createHmac('sha512', discoveryKey).update(CONTEXT).update(salt).digest()
  const pad = hash.subarray(KEY_BYTES)
  const portPad = hash.subarray(TAG_BYTES, TAG_BYTES + PORT_BYTES)
  return {
    tag: hash.subarray(0, TAG_BYTES),
    mask: (key) => xor(key, pad),
    hidePort: (port = NO_PORT) => xor(Uint8Array.of(port >> 8, port & 255), portPad),
    showPort: (hidden) => xor(hidden, portPad).readUInt16BE() || undefined,
  }
}

function xor(bytes: Uint8Array, pad: Uint8Array): Buffer {
  return Buffer.from(bytes).map((byte, i) => byte ^ (pad[i] ?? 0)) as Buffer
}
