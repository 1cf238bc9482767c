import { expect, it } from 'vitest'
import { shownLetters } from '../../../src/api/letters/listing.ts'
import { concat } from '../../../src/format/bytes.ts'
import { encodeZ32, feedKeyOf, type FeedKey } from '../../../src/format/keys/feed-key.ts'
import { senderOf } from '../../../src/format/letters/letter.ts'
import { wantedLetters } from '../../../src/format/letters/shown.ts'
import { keyPairOf } from '../../../src/log/keys.ts'
import { letterOf } from '../../helpers/letters.ts'
import { LogBuilder } from '../../helpers/log-builder.ts'
import { openFeed, openStore } from '../../helpers/stores.ts'

it('letters are shown as their senders signed them, and as the record says, or not at all', async () => {
  const core = (await openStore()).get({ name: 'log' })
  await core.ready()
  const log = new LogBuilder(core)
  await log.newsletter()
  await log.issue()
  const to = feedKeyOf(core.key as Buffer)
  const other = encodeZ32(keyPairOf().publicKey) as FeedKey
  const made = (about: object = {}, target = to) => {
    const { envelope, content } = letterOf({ to: target, about })
    return { from: senderOf(envelope.head), block: concat([envelope.head.bytes, content]) }
  }
  const publish = async ({ from, block }: ReturnType<typeof made>, fields: object = {}) =>
    log.letter(++number, { from, ...fields }, block)
  let number = 0
  const good = made({ issue: 1, name: 'Ada' })
  await publish(good, { issue: 1, answer: 'Yes.' })
  const changed = { ...good, block: good.block.map((it, i) => (i === 230 ? it ^ 1 : it)) }
  await publish(changed, { issue: 1 })
  await publish(made({}, other))
  await publish({ ...made(), from: good.from })
  await publish(made({ issue: 1 }))
  await publish(made(), { issue: 1 })
  await publish(made(), { letter: 1 })
  await publish(made({ private: true }))
  await publish({ ...good, block: new TextEncoder().encode('No letter.') })
  await publish(made())
  await log.letters({ withdrawn: [{ letter: number }] })

  const feed = await openFeed(core)
  const { letters } = await feed.list()
  expect(letters).toHaveLength(number)
  const shown = await shownLetters(feed, wantedLetters(letters))
  expect(shown).toMatchObject([
    { number: 1, from: good.from, name: 'Ada', issue: 1, text: 'Hello.', answer: 'Yes.' },
  ])
  expect(await shownLetters(feed, wantedLetters(letters, 1))).toEqual(shown)
  expect(await shownLetters(feed, wantedLetters(letters, 2))).toEqual([])
})
