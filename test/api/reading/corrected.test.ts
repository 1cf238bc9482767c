import { expect, it } from 'vitest'
import type { FeedKey } from '../../../src/format/keys/feed-key.ts'
import { openAuthor } from '../../helpers/peers.ts'

it('marks of an earlier version bring back only what is amended after the first list', async () => {
  const { engine, operations, feedKey } = await openAuthor([], { issues: 2, isOnline: false })
  const newsletter = feedKey
  const amend = (number: number) =>
    operations.amendIssue({ newsletter, number, draft: { markdown: '# Mended\n' } })
  await engine.library.add(feedKey as FeedKey, 'subscriber')
  await amend(1)
  await engine.library.marks.set('read', feedKey as FeedKey, [1, 2], true)
  expect(await operations.listInbox({})).toStrictEqual([])
  await amend(2)
  expect(await operations.listInbox({})).toMatchObject([{ number: 2, corrected: true }])
})
