import type { Address } from '../../src/config/config.ts'
import { parseFeedKey } from '../../src/format/keys/feed-key.ts'
import { deriveKeys } from '../../src/format/keys/recovery.ts'
import { formatSuccession, signSuccession } from '../../src/format/records/succession.ts'
import { openPeer, publish, type Peer } from './peers.ts'

/** A newsletter with its author's device and the words on their paper. */
export interface Written extends Peer {
  readonly feedKey: string
  readonly link: string
  readonly recoveryPhrase: string
}

/** A peer with a newsletter of one issue. */
export async function write(
  bootstrap: readonly Address[],
  title: string,
  { isPrivate = false } = {},
): Promise<Written> {
  const peer = await openPeer(bootstrap)
  const created = await peer.operations.createNewsletter({ title, private: isPrivate })
  await publish(peer.operations, `# First of ${title}\n`)
  return { ...peer, ...created }
}

/** A statement as the author signs it, or with `signer` as somebody else would. */
export async function statementOf(
  from: Written,
  to: string,
  {
    issuedAt = Date.now(),
    signer = 'recovery',
  }: { issuedAt?: number; signer?: 'recovery' | 'signing' } = {},
): Promise<string> {
  const keys = await deriveKeys(from.recoveryPhrase)
  const statement = { from: parseFeedKey(from.feedKey), to: parseFeedKey(to), issuedAt }
  return formatSuccession(signSuccession(statement, keys[signer]))
}
