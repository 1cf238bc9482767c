import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf, HyperletterError } from '../../errors.ts'
import type { FeedKey } from '../../format/keys/feed-key.ts'
import type { SigningKeyPair } from '../../format/keys/recovery.ts'
import { makeDirectory, replaceSynced } from '../../atomic-file.ts'

const PUBLIC_KEY_BYTES = 32
const SECRET_KEY_BYTES = 64

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

  /** The key pair of a newsletter that this device signs, or none. */
  async get(feedKey: FeedKey): Promise<SigningKeyPair | undefined> {
    const path = join(this.#dir, feedKey)
    const secretKey = await readFile(path).catch((error: unknown) => {
      if (codeOf(error) === 'ENOENT') return undefined
      throw error
    })
    if (secretKey === undefined) return undefined
    if (secretKey.byteLength !== SECRET_KEY_BYTES) {
      throw new HyperletterError('INTERNAL', `The signing key in ${path} is damaged.`, {
        hint: 'Get it back from the recovery phrase: `hyperletter restore`.',
      })
    }
    return { publicKey: secretKey.subarray(-PUBLIC_KEY_BYTES), secretKey }
  }
}
