import { defined } from '../../defined.ts'
import type { Crypto } from '../crypto.ts'
import type { ListedLetter } from '../history/corrections.ts'
import type { FeedKey } from '../keys/feed-key.ts'
import { senderOf, verifyLetter } from './letter.ts'

/** A letter that the author published, as it is shown. */
export interface ShownLetter {
  readonly number: number
  /** The sender's key, z-base-32. */
  readonly from: string
  /** What the sender wants to be called. */
  readonly name?: string | undefined
  readonly text: string
  /** The issue that it is about. */
  readonly issue?: number | undefined
  /** The published letter that it answers. */
  readonly letter?: number | undefined
  /** The author's reply. */
  readonly answer?: string | undefined
  /** By the clock of its sender, ISO 8601 UTC. */
  readonly writtenAt: string
}

/** Letters that are shown at once: the newest. */
const MAX_SHOWN = 1_000

/** The last moment that a date can stand for. */
const MAX_TIME = 8.64e15

/** Those that were not withdrawn, newest first. @param issue only those about it */
export function wantedLetters(letters: readonly ListedLetter[], issue?: number): ListedLetter[] {
  return letters
    .filter((it) => it.withdrawn === undefined && (issue === undefined || it.issue === issue))
    .slice(0, MAX_SHOWN)
}

/** How many letters there are about each issue. */
export function countLetters(letters: readonly ListedLetter[]): Map<number, number> {
  const counts = new Map<number, number>()
  for (const { issue, withdrawn } of letters) {
    if (issue === undefined || withdrawn !== undefined) continue
    counts.set(issue, (counts.get(issue) ?? 0) + 1)
  }
  return counts
}

/**
 * A letter as its sender signed it.
 * @returns undefined if its block was changed, the record says something else of it, or it was for the author alone.
 */
export function shownLetter(
  block: Uint8Array,
  { number, from, issue, letter, answer }: ListedLetter,
  feedKey: FeedKey,
  crypto: Crypto,
): ShownLetter | undefined {
  const found = verifyLetter(block, feedKey, crypto)
  if (found === undefined || found.content.private === true) return undefined
  const { content, head } = found
  const isSame = senderOf(head) === from && content.issue === issue && content.letter === letter
  if (!isSame) return undefined
  const { text, name } = content
  const writtenAt = timeOf(head.writtenAt)
  return { number, from, text, writtenAt, ...defined({ name, issue, letter, answer }) }
}

/** @param time claimed by a sender: any number. */
export function timeOf(time: number): string {
  return new Date(Math.min(time, MAX_TIME)).toISOString()
}
