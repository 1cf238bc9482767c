import type Corestore from 'corestore'
import type { KeyPair } from 'hypercore-crypto'
import Hypercore, { type ManifestInput } from 'hypercore'
import { Feed } from '../format/feed.ts'
import { feedKeyOf, keyBytes, type EncryptionKey, type FeedKey } from '../format/keys/feed-key.ts'
import type { SigningKeyPair } from '../format/keys/recovery.ts'
import { HypercoreLog } from '../log/hypercore-log.ts'
import { onStore } from '../storage-errors.ts'
import { decompress } from './compression.ts'

/** Which log: by its key, or by the key pair that signs it. */
export type LogIdentity = { readonly key: Uint8Array } | { readonly manifest: ManifestInput }

export interface FeedSecrets {
  readonly signing: SigningKeyPair | undefined
  readonly encryptionKey: EncryptionKey | undefined
}

/** Opens the log of a newsletter as a feed. Whoever asks closes it. @throws DISK_FULL, ABORTED */
export async function openFeed(
  store: Corestore,
  identity: LogIdentity,
  { signing, encryptionKey }: FeedSecrets,
): Promise<Feed> {
  const encryption =
    encryptionKey === undefined ? {} : { encryption: { key: keyBytes(encryptionKey) } }
  // History is append-only for readers: a core that was cut back and rewritten is not adopted.
  const options = { allowFork: false, ...encryption }
  const made = await onStore(async () => store.get({ ...identity, ...options }))
  if (signing === undefined) return new Feed(await HypercoreLog.open(made), decompress)
  // Made with a key pair, a core would keep it in the store; given to a later session, it is not kept.
  await onStore(() => made.ready())
  const keyPair = keyPairOf(signing)
  const signed = await onStore(async () => store.get({ key: made.id ?? '', keyPair, ...options }))
  const feed = new Feed(await HypercoreLog.open(signed), decompress)
  await made.close()
  return feed
}

/** The key of the log that `identity` names. */
export function keyOf(identity: LogIdentity): Uint8Array {
  return 'key' in identity ? identity.key : Hypercore.key(identity.manifest)
}

/** The feed key of the newsletter that a key pair signs. */
export function feedKeyFor(signing: SigningKeyPair): FeedKey {
  return feedKeyOf(keyOf(identityFor(signing)))
}

export function identityFor({ publicKey }: SigningKeyPair): LogIdentity {
  return { manifest: { version: 1, signers: [{ publicKey: Buffer.from(publicKey) }] } }
}

function keyPairOf({ publicKey, secretKey }: SigningKeyPair): KeyPair {
  return { publicKey: Buffer.from(publicKey), secretKey: Buffer.from(secretKey) }
}
