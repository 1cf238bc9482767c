import type { Work } from '../work.ts'
import { defined } from '../../defined.ts'
import type { Engine } from '../../engine/engine.ts'
import { OFFERED_MS, type LetterDesk } from '../../engine/letters/letter-desk.ts'
import type { Received, Sent } from '../../engine/letters/letter-file.ts'
import { MOST_WORK_BITS } from '../../engine/letters/sender.ts'
import { NO_WORK_IS_ENOUGH } from '../../engine/network/letter-message.ts'
import type { Feed, LocatedIssue } from '../../format/feed.ts'
import type { ListedLetter } from '../../format/history/corrections.ts'
import { encodeZ32, type FeedKey } from '../../format/keys/feed-key.ts'
import {
  decodeHead,
  decodeLetterContent,
  senderOf,
  type LetterContent,
} from '../../format/letters/letter.ts'
import { timeOf, wantedLetters, shownLetter, type ShownLetter } from '../../format/letters/shown.ts'
import { hex } from '../../hex.ts'
import { nativeCrypto } from '../../log/keys.ts'
import { unseal } from '../../log/sealing.ts'
import type { Output } from '../contract/contract.ts'
import { ifCode } from '../../errors.ts'
import type { AcceptedLetter } from '../../format/records/letters.ts'

type Waiting = Output<'listLetters'>['waiting'][number]
type Mine = Output<'listLetters'>['mine'][number]

/** A letter as its author reads it. */
export interface Opened extends Received {
  readonly from: string
  readonly content: LetterContent
  /** The content as its sender signed it, to be published. */
  readonly bytes: Uint8Array
}

export const listLetters: Work<'listLetters'> = async (engine, { newsletter }) => {
  const entry = engine.library.resolve(newsletter)
  await using session = await engine.open(entry)
  const { feed } = session
  const { profile, letters } = await feed.list({ wait: false })
  const wanted = profile?.record.letters
  const desk = await engine.letters.desk(feed)
  const known = new Set(letters.map((it) => it.from))
  const isAuthor = entry.roles.includes('author')
  const waiting = isAuthor ? await openWaiting(engine, feed.feedKey, desk) : []
  return {
    feedKey: feed.feedKey,
    wanted: wanted !== undefined,
    senders: wanted === undefined ? 'nobody' : (wanted.from ?? 'anyone'),
    published: await shownLetters(feed, wantedLetters(letters)),
    mine: await written(engine, feed, { desk, letters }),
    waiting: waiting
      .map((it) => describe(it, known.has(it.from)))
      .toSorted((a, b) => urgency(b) - urgency(a)),
    blocked: [...desk.own.blocked],
    codes: wanted?.admit?.length ?? 0,
  }
}

function urgency({ withdraw, known }: Waiting): number {
  return (withdraw === undefined ? 0 : 2) + (known ? 1 : 0)
}

function describe({ number, from, content, letter }: Opened, known: boolean): Waiting {
  const { text, name, issue, letter: answers, withdraw } = content
  const writtenAt = timeOf(letter.head.writtenAt)
  const isPrivate = content.private === true && { private: true as const }
  const said = defined({ name, issue, letter: answers, withdraw })
  return { number, from, known, writtenAt, text, ...said, ...isPrivate }
}

async function written(
  engine: Engine,
  feed: Feed,
  { desk, letters }: { readonly desk: LetterDesk; readonly letters: readonly ListedLetter[] },
): Promise<Mine[]> {
  if (desk.own.sent.length === 0) return []
  const own = encodeZ32((await engine.letters.sender.keys(feed.feedKey)).publicKey)
  const published = new Map<string, ListedLetter>()
  for (const it of letters.filter(({ from }) => from === own)) {
    const block = it.withdrawn === undefined ? await letterBlock(feed, it) : undefined
    const head = block && decodeHead(block)
    if (head !== undefined) published.set(hex(head.contentHash), it)
  }
  return desk.own.sent.flatMap((it) => {
    const content = decodeLetterContent(it.content, it.letter.head, nativeCrypto)
    if (content === undefined) return []
    const { text, issue, letter, withdraw, private: isPrivate } = content
    const listed = published.get(hex(it.letter.head.contentHash))
    const { number, answer } = listed ?? {}
    return {
      writtenAt: timeOf(it.firstAt),
      text,
      state: listed === undefined ? stateOf(it) : 'published',
      carriers: desk.carriersOf(it),
      ...defined({ issue, letter, withdraw, number, answer, obstacle: obstacleOf(desk, it) }),
      ...(isPrivate === true && { private: true as const }),
    }
  })
}

/** Why no peer has a letter of this user, where one said so. */
export function obstacleOf(desk: LetterDesk, sent: Sent): Mine['obstacle'] {
  const bits = desk.refusalOf(sent)
  if (bits === undefined || sent.isReceived || desk.carriersOf(sent) > 0) return undefined
  if (bits > 0 && bits <= MOST_WORK_BITS) return undefined
  const code = bits === 0 ? 'too-many' : bits === NO_WORK_IS_ENOUGH ? 'admission' : 'work'
  return { code, message: OBSTACLES[code] }
}

const OBSTACLES = {
  'too-many':
    'Peers have as many of your letters as they take. This one goes when some have reached the author, who may have to decide on them first.',
  work: 'Peers are full of letters with more work than this device does. Ask the author for a code.',
  admission: 'Peers take letters only of people whom the author knows. Ask the author for a code.',
} as const

function stateOf(sent: Sent): Mine['state'] {
  if (sent.isReceived) return 'received'
  return Date.now() < sent.firstAt + OFFERED_MS ? 'waiting' : 'expired'
}

/** What waits for the author of a newsletter, opened. What cannot be opened is shown to nobody. */
export async function openWaiting(
  engine: Engine,
  feedKey: FeedKey,
  { own: { inbox } }: LetterDesk,
): Promise<Opened[]> {
  if (inbox.length === 0) return []
  const keys = await engine.letters.letterKeys(feedKey)
  return inbox.flatMap((it) => {
    const { head, carried } = it.letter
    const bytes = unseal(carried, keys)
    const content = bytes && decodeLetterContent(bytes, head, nativeCrypto)
    return content === undefined || bytes === undefined
      ? []
      : [{ ...it, from: senderOf(head), content, bytes }]
  })
}

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
