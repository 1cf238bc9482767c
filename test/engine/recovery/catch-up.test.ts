import { once } from 'node:events'
import crypto from 'hypercore-crypto'
import type Hypercore from 'hypercore'
import { expect, test } from 'vitest'
import { awaitWhole } from '../../../src/engine/recovery/catch-up.ts'
import type { Feed } from '../../../src/format/feed.ts'
import { expectCode } from '../../helpers/errors.ts'
import { connect, coreOf, openFeed, openStore } from '../../helpers/stores.ts'

const options = { timeoutMs: 20_000 }

const keyPair = crypto.keyPair(Buffer.alloc(32, 5))

/** A log of its author, as one device of theirs holds it. */
async function logOf(...blocks: string[]): Promise<Hypercore> {
  const core = (await openStore()).get({ keyPair })
  await core.ready()
  await core.append(blocks)
  return core
}

async function openCopy(core: Hypercore): Promise<Feed> {
  const copy = (await openStore()).get({ key: core.key as Buffer, allowFork: false })
  return openFeed(copy)
}

test('every block that peers hold is fetched', async () => {
  const log = await logOf('one', 'two')
  const feed = await openCopy(log)
  connect(log, coreOf(feed))
  coreOf(feed).download({ start: 0, end: -1 })
  expect(await awaitWhole(feed, options)).toBe(1)
  expect(feed.heldBlocks).toBe(2)
})

test('of two histories that arrive while others are waited for, none passes for a whole log', async () => {
  const [log, other] = [await logOf('one', 'two'), await logOf('one', 'else', 'more')]
  const feed = await openCopy(log)
  const caught = expectCode(awaitWhole(feed, options), 'FEED_CONFLICT')
  connect(log, coreOf(feed))
  await once(coreOf(feed), 'append')
  connect(other, coreOf(feed))
  await caught
})

test('another history is told apart from peers that do not answer', async () => {
  const [log, other] = [await logOf('one', 'two'), await logOf('one', 'else', 'more')]
  const feed = await openCopy(log)
  const disconnect = connect(log, coreOf(feed))
  await once(coreOf(feed), 'append')
  disconnect()
  const caught = expectCode(awaitWhole(feed, options), 'FEED_CONFLICT')
  connect(other, coreOf(feed))
  await caught
})

test('a log that is closed meanwhile is neither whole nor forked', async () => {
  const feed = await openCopy(await logOf('one'))
  const caught = expectCode(awaitWhole(feed, options), 'ABORTED')
  await feed.close()
  await caught
})
