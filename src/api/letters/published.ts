import { ifCode } from '../../errors.ts'
import type { Feed, LocatedIssue } from '../../format/feed.ts'
import type { ListedLetter } from '../../format/history/corrections.ts'
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

/** The letters about an issue that are on this machine and were not withdrawn, oldest first. */
export async function publishedLetters(feed: Feed, issue: LocatedIssue): Promise<ShownLetter[]> {
  // Nobody could write about it before it was there.
  const letters = await feed.lettersAfter(issue.index)
  return shownLetters(feed, wantedLetters(letters, issue.record.number))
}

/** Those of the given letters that are on this machine, the last one first. */
export async function shownLetters(
  feed: Feed,
  letters: readonly ListedLetter[],
): Promise<ShownLetter[]> {
  const shown: ShownLetter[] = []
  for (const it of letters.toReversed()) {
    const block = await letterBlock(feed, it)
    const found = block && shownLetter(block, it, feed.feedKey, nativeCrypto)
    if (found !== undefined) shown.push(found)
  }
  return shown
}
