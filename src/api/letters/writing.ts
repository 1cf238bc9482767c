import type { Work } from '../work.ts'
import { waitUntil } from '../../async.ts'
import { defined } from '../../defined.ts'
import { invalidInput } from '../../errors.ts'
import { senderOf } from '../../format/letters/letter.ts'
import { obstacleOf } from './listing.ts'

const LOCAL = { wait: false }

/** How long a letter waits for a peer, unless told otherwise. */
const WAIT_SECONDS = 10

/**
 * Writes to the author of a newsletter.
 * @throws INVALID_INPUT if the author wants no letters, or none of this user; ISSUE_NOT_FOUND, NOT_AVAILABLE; TOO_LARGE;
 * DISK_FULL: then nothing was written.
 */
export const writeLetter: Work<'writeLetter'> = async (engine, input, { signal } = {}) => {
  const { issue, letter, withdraw, text = '', as, code, waitSeconds = WAIT_SECONDS } = input
  if (text === '' && withdraw === undefined) throw invalidInput('There is nothing in the letter.')
  const entry = engine.library.resolve(input.newsletter)
  await using session = await engine.open(entry, { online: true })
  const { feed } = session
  if (issue !== undefined) await feed.issue(issue, LOCAL)
  const { letters } = await feed.list(LOCAL)
  const about = letter ?? withdraw
  const published = letters.find((it) => it.number === about && it.withdrawn === undefined)
  if (about !== undefined && published === undefined) {
    throw invalidInput(`There is no letter ${about}.`, {
      hint: '`hyperletter letters` lists those that are published.',
    })
  }
  const content = {
    text,
    ...defined({ name: as, issue, letter, withdraw }),
    ...(input.private === true && { private: true as const }),
  }
  const sent = await engine.letters.sender.write(feed, content, { code, signal })
  const network = await engine.network()
  network.letters?.announce(feed, sent.id, sent.stamp.kind !== 'work')
  const desk = await engine.letters.desk(feed)
  // It may be signed anew meanwhile.
  const own = () => desk.ownLetter(sent.id)
  const stateOf = (it = own()) => ({
    carriers: it === undefined ? 0 : desk.carriersOf(it),
    received: it?.isReceived === true,
    ...defined({ obstacle: it && obstacleOf(desk, it) }),
  })
  const waiting = { timeoutMs: waitSeconds * 1_000, signal }
  await waitUntil(() => stateOf().carriers > 0 || stateOf().received, waiting)
  return { feedKey: feed.feedKey, from: senderOf(sent.head), ...stateOf() }
}
