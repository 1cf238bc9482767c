import { defined } from '../../defined.ts'
import { hasCode } from '../../errors.ts'
import type { Feed } from '../../format/feed.ts'
import type { ListedLetter } from '../../format/history/corrections.ts'
import { senderOf, verifyLetter, type PublishedLetter } from '../../format/letters/letter.ts'
import type { AcceptedLetter } from '../../format/records/letters.ts'
import { nativeCrypto } from '../../log/keys.ts'
import type { Output } from '../contract/contract.ts'

type Published = Output<'listLetters'>['published'][number]

/** Letters that are shown at once: the newest. */
const MAX_SHOWN = 1_000

/** The block of a letter that the author published; undefined if it is not on this machine. */
export async function letterBlock(
  feed: Feed,
  { block }: Pick<AcceptedLetter, 'block'>,
): Promise<Uint8Array | undefined> {
  try {
    return await feed.log.read(block, { wait: false })
  } catch (error) {
    if (!hasCode(error, 'NOT_AVAILABLE')) throw error
    return undefined
  }
}

/**
 * A letter that the author published, as its sender signed it; undefined if it is not on this machine, was changed, or the
 * record says something else of it.
 */
async function readLetter(feed: Feed, listed: ListedLetter): Promise<PublishedLetter | undefined> {
  const { from, issue, letter } = listed
  const bytes = await letterBlock(feed, listed)
  const found = bytes && verifyLetter(bytes, feed.feedKey, nativeCrypto)
  if (found === undefined || found.content.private === true) return undefined
  const { content, head } = found
  const isSame = senderOf(head) === from && content.issue === issue && content.letter === letter
  return isSame ? found : undefined
}

/** The letters of a newsletter, or of one issue, that are on this machine and were not withdrawn, oldest first. */
export async function publishedLetters(feed: Feed, issue?: number): Promise<Published[]> {
  const { letters } = await feed.list({ wait: false })
  const wanted = letters.filter(
    (it) => it.withdrawn === undefined && (issue === undefined || it.issue === issue),
  )
  const shown: Published[] = []
  for (const it of wanted.slice(0, MAX_SHOWN).toReversed()) {
    const found = await readLetter(feed, it)
    if (found === undefined) continue
    const { text, name } = found.content
    const { number, from, letter, answer } = it
    const writtenAt = timeOf(found.head.writtenAt)
    shown.push({
      number,
      from,
      writtenAt,
      text,
      ...defined({ name, issue: it.issue, letter, answer }),
    })
  }
  return shown
}

/** The last moment that a date can stand for. */
const MAX_TIME = 8.64e15

/** @param time claimed by a sender: any number. */
export function timeOf(time: number): string {
  return new Date(Math.min(time, MAX_TIME)).toISOString()
}
