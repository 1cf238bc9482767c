import { randomBytes } from 'node:crypto'
import type { Work } from '../work.ts'
import type { Engine } from '../../engine/engine.ts'
import { invalidInput } from '../../errors.ts'
import { concat, equal } from '../../format/bytes.ts'
import type { Feed } from '../../format/feed.ts'
import { composeLetters, type LogPosition, type NewLetter } from '../../format/history/entry.ts'
import { encodeZ32 } from '../../format/keys/feed-key.ts'
import { MAX_ADMISSION_KEYS } from '../../format/records/bodies.ts'
import { keyPairOf } from '../../log/keys.ts'
import type { ParsedInput } from '../contract/contract.ts'
import { changeProfile, profileOf, wantsNoLetters } from '../writing/editing.ts'
import { authoredBy } from '../writing/publishing.ts'
import { openWaiting, type Opened, letterBlock } from './listing.ts'

type Decisions = Omit<ParsedInput<'decideLetters'>, 'newsletter'>

const HOW_TO_LIST = { hint: '`hyperletter letters` lists them with their numbers.' }

/** Senders who are blocked at most: as many as carriers are told of. */
const MAX_BLOCKED = 256

/** What letters and answers of one record take, in bytes of text: less than a record may have. */
const RECORD_BYTES = 32_768

/**
 * Publishes letters that wait and declines others; answers and withdraws those that are published.
 * @throws INVALID_INPUT for one that is not there, or is for the author alone; as publishing an issue does. Then nothing
 * was published.
 */
export const decideLetters: Work<'decideLetters'> = async (
  engine,
  { newsletter, ...decisions },
  { signal } = {},
) => {
  const entry = authoredBy(engine, newsletter)
  const { feedKey } = entry
  await using session = await engine.open(entry)
  const { feed } = session
  const desk = await engine.letters.desk(feed)
  return await desk.inTurn(async () => {
    const waiting = await openWaiting(engine, feedKey, desk)
    const { accept = [], decline = [], block = [], unblock = [] } = decisions
    const { answers = [], withdraw = [] } = decisions
    const numbers = [...accept.map((it) => it.number), ...decline, ...block]
    assertListed(numbers, waiting, 'No letter $ waits for that.')
    const letters = accept.map((it) => chosen(waiting, it))
    const blocked = waiting.filter((it) => block.includes(it.number)).map((it) => it.from)
    const all = [...new Set([...desk.own.blocked, ...blocked])].filter(
      (it) => !unblock.includes(it),
    )
    if (all.length > MAX_BLOCKED) {
      throw invalidInput(`At most ${MAX_BLOCKED} senders can be blocked.`, {
        hint: 'Take letters of people with a code only: hyperletter edit … --letters admitted',
      })
    }
    const published = await publish(engine, feed, { letters, answers, withdraw }, signal)
    await desk.decide(numbers)
    const peers = (await engine.networkIfOnline())?.letters
    if (blocked.length > 0 || unblock.length > 0) {
      peers?.say(feed, await engine.letters.block(feed, all))
    }
    peers?.retry(feed)
    return {
      feedKey,
      published,
      declined: decline.length + block.length,
      answered: answers.length,
      withdrawn: withdraw.length,
      blocked: all,
    }
  })
}

/** @param what with a $ for the number. @throws INVALID_INPUT for a number that is not listed, or twice there */
function assertListed(
  numbers: readonly number[],
  listed: readonly { readonly number: number }[],
  what: string,
): void {
  const known = new Set(listed.map((it) => it.number))
  for (const it of numbers) {
    if (known.delete(it)) continue
    throw invalidInput(what.replace('$', String(it)), HOW_TO_LIST)
  }
}

function chosen(
  waiting: readonly Opened[],
  { number, answer }: NonNullable<Decisions['accept']>[number],
): NewLetter {
  const found = waiting.find((it) => it.number === number)
  if (found === undefined || found.content.private === true || found.content.text === '') {
    const why = found?.content.private === true ? 'is for you alone' : 'has no text'
    throw invalidInput(`Letter ${number} ${why}.`, { hint: 'Decline it once you have read it.' })
  }
  const { issue, letter } = found.content
  const block = concat([found.letter.head.bytes, found.bytes])
  return { from: found.from, issue, letter, answer, block }
}

interface Said {
  readonly letters: readonly NewLetter[]
  readonly answers: NonNullable<Decisions['answers']>
  readonly withdraw: NonNullable<Decisions['withdraw']>
}

/**
 * One that was published before, and not noted because of a crash, keeps its number.
 * @returns the numbers of the letters.
 */
async function publish(
  engine: Engine,
  feed: Feed,
  { letters, answers, withdraw }: Said,
  signal: AbortSignal | undefined,
): Promise<number[]> {
  if (letters.length + answers.length + withdraw.length === 0) return []
  await engine.author.makeCurrent(feed, { signal })
  const before = (await feed.list({ wait: false })).letters
  const shown = before.filter((it) => it.withdrawn === undefined)
  assertListed(
    answers.map((it) => it.number),
    shown,
    'There is no letter $.',
  )
  assertListed(
    withdraw.map((it) => it.number),
    shown,
    'There is no letter $.',
  )
  const numbers: number[] = []
  const fresh: (NewLetter & { readonly number: number })[] = []
  let last = before[0]?.number ?? 0
  for (const it of letters) {
    const known = await numberOf(feed, before, it)
    const number = known ?? ++last
    numbers.push(number)
    if (known === undefined) fresh.push({ ...it, number })
  }
  const at = new Date().toISOString()
  const compose = [
    ...inRecords(fresh, (it) => it.answer).map((some) => ({ at, letters: some })),
    ...inRecords(answers, (it) => it.answer).map((some) => ({
      at,
      letters: [],
      answers: some.map(({ number, answer }) => ({ letter: number, answer })),
    })),
    ...inRecords(withdraw, (it) => it.reason).map((some) => ({
      at,
      letters: [],
      withdrawn: some.map(({ number, reason }) => ({ letter: number, reason })),
    })),
  ].map((said) => (place: LogPosition) => composeLetters(place, said))
  if (compose.length > 0) await engine.author.append(feed, compose, { signal })
  return numbers
}

/** As many in one record as have room. */
function inRecords<T>(items: readonly T[], textOf: (item: T) => string | undefined): T[][] {
  const records: T[][] = []
  let left = 0
  for (const it of items) {
    // What a letter takes beside its answer.
    const bytes = 512 + 3 * (textOf(it)?.length ?? 0)
    if (left < bytes || records.length === 0) {
      records.push([])
      left = RECORD_BYTES
    }
    records.at(-1)?.push(it)
    left -= bytes
  }
  return records
}

async function numberOf(
  feed: Feed,
  published: Awaited<ReturnType<Feed['list']>>['letters'],
  { from, block }: NewLetter,
): Promise<number | undefined> {
  for (const it of published) {
    if (it.from !== from || it.bytes !== block.byteLength) continue
    const held = await letterBlock(feed, it)
    if (held !== undefined && equal(held, block)) return it.number
  }
  return undefined
}

/** @throws INVALID_INPUT if no letters are wanted, or there are too many codes */
export const admitSenders: Work<'admitSenders'> = async (
  engine,
  { newsletter, revoke = false },
  { signal } = {},
) => {
  const entry = authoredBy(engine, newsletter)
  const { feedKey } = entry
  await using session = await engine.open(entry)
  const { feed } = session
  await engine.author.makeCurrent(feed, { signal })
  const profile = await profileOf(feed)
  const { letters } = profile
  if (letters === undefined) throw wantsNoLetters()
  const { admit = [], ...others } = letters
  if (!revoke && admit.length >= MAX_ADMISSION_KEYS) {
    throw invalidInput(`There are ${MAX_ADMISSION_KEYS} codes already.`, {
      hint: 'Take them back by --revoke, and give new ones to those who have none of their letters published.',
    })
  }
  const seed = randomBytes(32)
  const kept = revoke ? [] : [...admit, encodeZ32(keyPairOf(seed).publicKey)]
  const changed = { ...others, ...(kept.length > 0 && { admit: kept }) }
  await changeProfile(engine, feed, { ...profile, letters: changed }, { signal })
  return { feedKey, codes: kept.length, ...(!revoke && { code: encodeZ32(seed) }) }
}
