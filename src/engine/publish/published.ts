import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { codeOf } from '../../errors.ts'
import type { FeedKey } from '../../format/keys/feed-key.ts'
import { makeDirectory, replaceWhole } from '../../atomic-file.ts'

/** How far the log of an own newsletter is known to go, whatever the store says. */
export interface PublishedNote {
  /** Blocks that were published from here, or that a peer proved to have. */
  readonly length: number
  /** Root hash of the tree over these blocks, in hex. */
  readonly treeHash: string
  /**
   * The store may lack what was published since: it was restored or copied. Nothing is appended until
   * a peer was asked, or the author insists.
   */
  readonly mustCatchUp: boolean
}

const storedNote = z.object({
  length: z.int().nonnegative(),
  treeHash: z.string(),
  mustCatchUp: z.boolean(),
})

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
      const note = storedNote.parse(JSON.parse(await readFile(this.#path(feedKey), 'utf8')))
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
    await replaceWhole(this.#path(feedKey), [Buffer.from(`${JSON.stringify(note)}\n`)])
    this.#known.set(feedKey, note)
  }

  #path(feedKey: FeedKey): string {
    return join(this.#dir, `${feedKey}.json`)
  }
}
