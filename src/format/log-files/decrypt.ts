import { xsalsa20 } from '@noble/ciphers/salsa.js'
import { namespace } from '../bundle/format.ts'
import { concat, uint64 } from '../bytes.ts'
import { blake2b } from '../crypto.ts'
import { keyBytes, type EncryptionKey, type FeedKey } from '../keys/feed-key.ts'

const PREFIX_BYTES = 8
const BLOCK_ENCRYPTION = 5

/**
 * What reads the stored blocks of a private newsletter: see docs/format.md, section 11. A wrong key gives garbage and no
 * error, which `Readability` notices.
 */
export function decrypterOf(
  feedKey: FeedKey,
  encryptionKey: EncryptionKey,
): (stored: Uint8Array, index: number) => Uint8Array {
  const keys = [keyBytes(feedKey), keyBytes(encryptionKey)]
  const key = blake2b([namespace(BLOCK_ENCRYPTION), ...keys])
  return (stored, index) => {
    const prefix = stored.subarray(0, PREFIX_BYTES)
    // Too short to be one: not a record either.
    if (prefix.byteLength < PREFIX_BYTES) return stored
    const nonce = concat([uint64(index), prefix, new Uint8Array(8)])
    return xsalsa20(key, nonce, stored.subarray(PREFIX_BYTES))
  }
}
