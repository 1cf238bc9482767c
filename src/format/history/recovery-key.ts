import { HyperletterError } from '../../errors.ts'
import { claimsToBeRecord, decodeRecord } from '../records/record.ts'
import z32 from 'z32'
import type { ReadOptions } from '../log.ts'
import type { Feed } from '../feed.ts'

/**
 * The public half of the recovery key pair, 32 bytes, from block 0: no later record can change it.
 * @throws NEEDS_KEY, NOT_AVAILABLE, INVALID_RECORD
 */
export async function recoveryKeyOf(feed: Feed, options?: ReadOptions): Promise<Uint8Array> {
  if (feed.length === 0 && options?.wait === false) {
    throw new HyperletterError('NOT_AVAILABLE', 'Nothing of the newsletter has arrived yet.')
  }
  const block = await feed.log.read(0, options)
  if (!claimsToBeRecord(block)) {
    throw new HyperletterError(
      'NEEDS_KEY',
      'The newsletter is private: this device has no key that reads it.',
    )
  }
  const record = decodeRecord(block, 0)
  if (record.type === 'newsletter') return z32.decode(record.recoveryKey)
  throw new HyperletterError('INVALID_RECORD', 'Block 0 names no recovery key.')
}
