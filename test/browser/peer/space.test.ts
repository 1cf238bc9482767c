import { expect, it } from 'vitest'
import { roomFor, selectionFor } from '../../../src/browser/peer/space.ts'
import { EVERYTHING } from '../../../src/format/selection.ts'
import { LogBuilder } from '../../helpers/log-builder.ts'
import { openFeed, openStore } from '../../helpers/stores.ts'

it('keeps all of a newsletter, or every record and the newest issues that fit', async () => {
  const core = (await openStore()).get({ name: 'tides' })
  await core.ready()
  const log = new LogBuilder(core)
  await log.newsletter()
  for (let i = 0; i < 5; i++) await log.issue({}, 'x'.repeat(10_000))
  const feed = await openFeed(core)
  expect(await selectionFor(feed, core.byteLength)).toBe(EVERYTHING)
  const { fetch, keep } = await selectionFor(feed, core.byteLength / 2)
  // Each issue is its text and then its record.
  expect(keep).toEqual([
    { start: 0, end: 1 },
    { start: 2, end: 3 },
    { start: 4, end: 5 },
    { start: 6, end: 11 },
  ])
  expect(fetch).toEqual(keep)
})

it.each([
  [1e9, false, 50e6],
  [1e8, false, 1e7],
  [1e10, true, 1e9],
  [undefined, true, 50e6],
])('of %s bytes that a browser allows, followed: %s, takes %i', (quota, isFollowed, bytes) => {
  expect(roomFor(quota, isFollowed)).toBe(bytes)
})
