import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf, HyperletterError } from '../../errors.ts'
import { keyOf } from '../../format/bundle/format.ts'
import { feedKeyOf, type FeedKey } from '../../format/keys/feed-key.ts'
import type { SigningKeyPair } from '../../format/keys/recovery.ts'
import { keyPairOf } from '../../log/keys.ts'
import { makeDirectory, replaceSynced } from '../../atomic-file.ts'

const SEED_BYTES = 32

/**
 * The signing keys of this device, one file a newsletter that only this user can read. Not in the
 * store: that makes its files readable to all, and keeps a key only if it makes the core with it,
 * which a reader that becomes the author has not done. A file is the secret key in the layout of
 * libsodium, whose second half is the public key.
 */
export class SigningKeys {
  readonly #dir: string

  private constructor(dir: string) {
    this.#dir = dir
  }

  /** @throws INVALID_INPUT if the directory cannot be made; DISK_FULL. */
  static async open(dir: string): Promise<SigningKeys> {
    await makeDirectory(dir)
    return new SigningKeys(dir)
  }

  /** Once this resolves, the key survives a power loss. @throws DISK_FULL */
  async keep(feedKey: FeedKey, { secretKey }: SigningKeyPair): Promise<void> {
    await replaceSynced(join(this.#dir, feedKey), [secretKey])
  }

  /** The key pair of a newsletter that this device signs, or none. @throws KEY_DAMAGED */
  async get(feedKey: FeedKey): Promise<SigningKeyPair | undefined> {
    const path = join(this.#dir, feedKey)
    const secretKey = await readFile(path).catch((error: unknown) => {
      if (codeOf(error) === 'ENOENT') return undefined
      throw error
    })
    if (secretKey === undefined) return undefined
    const pair =
      secretKey.byteLength < SEED_BYTES ? undefined : keyPairOf(secretKey.subarray(0, SEED_BYTES))
    if (pair !== undefined && secretKey.equals(pair.secretKey) && feedKeyFor(pair) === feedKey)
      return pair
    throw new HyperletterError('KEY_DAMAGED', `The signing key in ${path} is damaged.`)
  }
}

/** The feed key of the newsletter that a key pair signs. */
export function feedKeyFor({ publicKey }: SigningKeyPair): FeedKey {
  return feedKeyOf(keyOf(publicKey))
}
