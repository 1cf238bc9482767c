import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { codeOf, HyperletterError, ifMissing } from '../../errors.ts'
import { feedKeyOf, type FeedKey } from '../../format/keys/feed-key.ts'
import { makeDirectory, replaceWhole, replaceSynced } from '../../atomic-file.ts'
import { keyOf } from '../../format/bundle/format.ts'
import type { SigningKeyPair } from '../../format/keys/recovery.ts'
import { keyPairOf } from '../../log/keys.ts'

const storedNote = z.object({
  /** Blocks that were published from here, or that a peer proved to have. */
  length: z.int().nonnegative(),
  /** Root hash of the tree over these blocks, in hex. */
  treeHash: z.string(),
  /**
   * The store may lack what was published since: it was restored or copied. Nothing is appended until
   * a peer was asked, or the author insists.
   */
  mustCatchUp: z.boolean(),
  /** Absent in the notes of earlier versions. */
  check: z.string().optional(),
})

/** How far the log of an own newsletter is known to go, whatever the store says. */
export type PublishedNote = Readonly<Omit<z.infer<typeof storedNote>, 'check'>>

/** Of a log of which nothing is known, and of one whose note cannot be read: peers have to be asked. */
export const UNKNOWN: PublishedNote = { length: 0, treeHash: '', mustCatchUp: true }

/**
 * A note for each own newsletter, apart from the store, on how far it was published. A store that lost
 * its newest blocks, or was put back from a backup, shows by it; appending to one would fork the feed.
 */
export class PublishedNotes {
  readonly #dir: string
  readonly #known = new Map<FeedKey, PublishedNote>()

  private constructor(dir: string) {
    this.#dir = dir
  }

  /** @throws INVALID_INPUT if the directory cannot be made; DISK_FULL. */
  static async open(dir: string): Promise<PublishedNotes> {
    await makeDirectory(dir)
    return new PublishedNotes(dir)
  }

  /** The note of a newsletter; none for one that is not published from here, or was before there were notes. */
  async get(feedKey: FeedKey): Promise<PublishedNote | undefined> {
    const known = this.#known.get(feedKey)
    if (known !== undefined) return known
    try {
      const text = await readFile(this.#path(feedKey), 'utf8')
      const { check, ...note } = storedNote.parse(JSON.parse(text))
      if (check !== undefined && check !== checkOf(note)) return UNKNOWN
      this.#known.set(feedKey, note)
      return note
    } catch (error) {
      return codeOf(error) === 'ENOENT' ? undefined : UNKNOWN
    }
  }

  /**
   * A power loss soon after it may bring back the note before, which says less but nothing wrong: the
   * journal, or a mark of the store, stands for what it lacks. @throws DISK_FULL
   */
  async put(feedKey: FeedKey, note: PublishedNote): Promise<void> {
    // Where writing fails, what is on disk counts.
    this.#known.delete(feedKey)
    const text = `${JSON.stringify({ ...note, check: checkOf(note) })}\n`
    await replaceWhole(this.#path(feedKey), [Buffer.from(text)])
    this.#known.set(feedKey, note)
  }

  #path(feedKey: FeedKey): string {
    return join(this.#dir, `${feedKey}.json`)
  }
}

// A digit that a failing disk changed would pass for a longer log, or another one.
function checkOf({ length, treeHash, mustCatchUp }: PublishedNote): string {
  return createHash('sha256').update(`${length} ${treeHash} ${mustCatchUp}`).digest('hex')
}

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
    const secretKey = await readFile(path).catch(ifMissing(undefined))
    if (secretKey === undefined) return undefined
    const pair =
      secretKey.byteLength < SEED_BYTES ? undefined : keyPairOf(secretKey.subarray(0, SEED_BYTES))
    if (pair !== undefined && secretKey.equals(pair.secretKey) && feedKeyFor(pair) === feedKey)
      return pair
    throw new HyperletterError('KEY_DAMAGED', `The signing key in ${path} is damaged.`)
  }
}

export function feedKeyFor({ publicKey }: SigningKeyPair): FeedKey {
  return feedKeyOf(keyOf(publicKey))
}
