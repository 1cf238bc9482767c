import { ifCode } from '../../errors.ts'
import type { Feed } from '../../format/feed.ts'
import { shownLetter, wantedLetters, type ShownLetter } from '../../format/letters/shown.ts'
import type { AcceptedLetter } from '../../format/records/letters.ts'
import { nativeCrypto } from '../../log/keys.ts'

/** The block of a letter that the author published; undefined if it is not on this machine. */
export async function letterBlock(
  feed: Feed,
  { block }: Pick<AcceptedLetter, 'block'>,
): Promise<Uint8Array | undefined> {
  return feed.log.read(block, { wait: false }).catch(ifCode(undefined, 'NOT_AVAILABLE'))
}

/** The letters of a newsletter, or of one issue, that are on this machine and were not withdrawn, oldest first. */
export async function publishedLetters(feed: Feed, issue?: number): Promise<ShownLetter[]> {
  const { letters } = await feed.list({ wait: false })
  const shown: ShownLetter[] = []
  for (const it of wantedLetters(letters, issue).toReversed()) {
    const block = await letterBlock(feed, it)
    const found = block && shownLetter(block, it, feed.feedKey, nativeCrypto)
    if (found !== undefined) shown.push(found)
  }
  return shown
}
