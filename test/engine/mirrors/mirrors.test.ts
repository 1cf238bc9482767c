import { expect, it, onTestFinished } from 'vitest'
import { Mirrors } from '../../../src/engine/mirrors/mirrors.ts'
import { HyperletterError } from '../../../src/errors.ts'
import { composeNewsletter } from '../../../src/format/history/entry.ts'
import { createLogger } from '../../../src/logger.ts'
import { openAuthor, openPeer } from '../../helpers/peers.ts'
import { connect, coreOf } from '../../helpers/stores.ts'
import { eventually, feedOf } from '../../helpers/swarm-peers.ts'
import { parseFeedKey } from '../../../src/format/keys/feed-key.ts'

it('an author who names other servers all the time has no reader ask all of them', async () => {
  const author = await openAuthor([], { issues: 1, isOnline: false })
  const reader = await openPeer([], { isOnline: false })
  const { engine } = reader
  const feedKey = parseFeedKey(author.feedKey)
  const entry = await engine.library.add(feedKey, 'subscriber', { title: 'Tide tables' })
  const [theirs, ours] = [await feedOf(author, feedKey), await feedOf(reader, feedKey)]
  onTestFinished(connect(coreOf(theirs), coreOf(ours)))
  coreOf(ours).download({ start: 0, end: -1 })
  const asked: string[] = []
  const mirrors = new Mirrors({
    library: engine.library,
    feeds: engine.feeds,
    live: { value: { ...engine.config, mirrors: 'on', pause: false } },
    logger: createLogger('silent'),
    onStored: () => Promise.resolve(),
    onBytes: () => undefined,
    sourceOf: (address) => ({
      get: () => {
        asked.push(address)
        return Promise.reject(new HyperletterError('NOT_AVAILABLE', 'There is nothing here.'))
      },
    }),
  })
  onTestFinished(() => mirrors.close())
  for (let round = 1; round <= 4; round++) {
    const named = Array.from({ length: 8 }, (_, i) => `https://victim.example/${round}/${i}/`)
    const { recoveryKey, title, createdAt } = await theirs.profile()
    const profile = { recoveryKey, title, createdAt, mirrors: named }
    await author.engine.author.append(theirs, [(at) => composeNewsletter(at, profile)])
    await eventually(async () => {
      expect((await ours.profile({ wait: false })).mirrors).toEqual(named)
    })
    await mirrors.fetchFromAny(entry, ours)
    // Of those that are named no more, nothing is remembered.
    expect(await mirrors.list(entry)).toHaveLength(8)
  }
  expect(asked).toHaveLength(16)
  expect(new Set(asked).size).toBe(16)
})
