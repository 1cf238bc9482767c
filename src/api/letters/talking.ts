import type { Work } from '../work.ts'
import { anySignal, Bell } from '../../async.ts'
import { defined } from '../../defined.ts'
import type { Engine } from '../../engine/engine.ts'
import { MAX_LINES, type SaidLine, type TalkRules } from '../../engine/letters/conversation.ts'
import { HyperletterError, invalidInput } from '../../errors.ts'
import type { Feed } from '../../format/feed.ts'
import { encodeZ32 } from '../../format/keys/feed-key.ts'
import { decodeLine } from '../../format/letters/line.ts'
import { nativeCrypto } from '../../log/keys.ts'
import { timeOf } from '../../format/letters/shown.ts'

/** @throws INVALID_INPUT unless the author has opened a conversation. */
export const followTalk: Work<'followTalk'> = async function* (
  engine,
  { newsletter },
  { signal: stop } = {},
) {
  const signal = anySignal(engine.full, stop)
  await using session = await engine.open(engine.library.resolve(newsletter), { online: true })
  const { feed } = session
  await openRules(engine, feed)
  const network = await engine.network()
  const own = encodeZ32((await engine.letters.sender.keys(feed.feedKey)).publicKey)
  const described = (it: SaidLine) => describe(it, own)
  const conversation = engine.letters.conversations.of(feed)
  const before = conversation.lines()
  const come: SaidLine[] = []
  const bell = new Bell()
  const end = conversation.listen((line) => {
    // Whoever reads slowly misses the oldest.
    if (come.push(line) > MAX_LINES) come.shift()
    bell.ring()
  })
  try {
    network.letters?.talk.ask(feed)
    yield* before.map(described)
    yield { event: 'now', feedKey: feed.feedKey, peers: network.letters?.talk.peers(feed) ?? 0 }
    for (;;) {
      signal.throwIfAborted()
      yield* come.splice(0).map(described)
      await bell.wait(signal)
    }
  } finally {
    end()
  }
}

function describe({ id, from, writtenAt, content }: SaidLine, own: string) {
  const { text, name } = content
  return {
    event: 'line' as const,
    id,
    from,
    text,
    writtenAt: timeOf(writtenAt),
    ...defined({ name }),
    ...(from === own && { own: true as const }),
  }
}

/** @throws INVALID_INPUT unless the author has opened a conversation, or if too much is said at once. */
export const sayLine: Work<'sayLine'> = async (
  engine,
  { newsletter, text, as },
  { signal } = {},
) => {
  await using session = await engine.open(engine.library.resolve(newsletter), { online: true })
  const { feed } = session
  const { feedKey } = feed
  const rules = await openRules(engine, feed)
  const network = await engine.network()
  const line = { text, ...defined({ name: as }) }
  const bytes = await engine.letters.sender.signLine(feed, line, rules.talkKey, signal)
  const id = decodeLine(bytes, rules.talkKey, nativeCrypto)?.id
  if (id === undefined) throw new HyperletterError('TOO_LARGE', 'The line is too long.')
  if (engine.letters.conversations.of(feed).add(bytes, rules) !== 'new') {
    throw invalidInput('You say too much at once.', {
      hint: 'Five lines go at once, and then one each three seconds.',
    })
  }
  const from = encodeZ32((await engine.letters.sender.keys(feedKey)).publicKey)
  return { feedKey, id, from, peers: network.letters?.talk.say(feed, bytes) ?? 0 }
}

export const hideSpeaker: Work<'hideSpeaker'> = async (engine, { newsletter, from }) => {
  const { feedKey } = engine.library.resolve(newsletter)
  engine.letters.conversations.of({ feedKey }).hide(from)
  return { feedKey, from }
}

async function openRules(engine: Engine, feed: Feed): Promise<TalkRules> {
  const rules = await engine.letters.conversations.rules(feed)
  if (rules !== undefined) return rules
  throw invalidInput('The author has not opened a conversation.', {
    hint: 'Authors open one with `hyperletter edit <newsletter> --talk on`.',
  })
}
