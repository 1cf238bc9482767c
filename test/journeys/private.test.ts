import { describe, expect, test } from 'vitest'
import { encryptionKeyOf, parseFeedKey } from '../../src/format/keys/feed-key.ts'
import { all, expectFailure } from '../helpers/operations.ts'
import { openAuthor, openPeer, publish } from '../helpers/peers.ts'
import { eventually, feedOf, standing, subscribe, subscribeSoon } from '../helpers/swarm-peers.ts'
import { privateNetwork } from '../helpers/testnet.ts'

const WRONG = encryptionKeyOf(Buffer.alloc(32, 3))

async function setUp() {
  const bootstrap = await privateNetwork()
  const author = await openAuthor(bootstrap, { isPrivate: true, issues: 1 })
  return { author, reader: await openPeer(bootstrap), newsletter: author.feedKey }
}

describe('a link of a private newsletter', () => {
  test.each([
    ['without its key', (feedKey: string) => `hyperletter://${feedKey}`],
    ['with a wrong key', (feedKey: string) => `hyperletter://${feedKey}#${WRONG}`],
  ])('%s gives NEEDS_KEY and nothing is kept; the full one then works', async (_, linkOf) => {
    const { author, reader, newsletter } = await setUp()
    const { operations } = reader
    const link = linkOf(newsletter)
    await expectFailure('NEEDS_KEY', operations.subscribe({ link, timeoutSeconds: 10 }))
    expect(await operations.listNewsletters({})).toEqual([])
    await expectFailure('NEWSLETTER_NOT_FOUND', operations.readIssue({ newsletter }))

    await subscribe(reader, author.link)

    expect(await operations.readIssue({ newsletter })).toMatchObject({ title: 'Issue 1' })
    expect(await operations.listNewsletters({})).toMatchObject([{ private: true, unread: 1 }])
  })

  test.each([
    ['', true],
    [', also not --no-wait', false],
  ])('with a wrong key takes nothing from who has the right one%s', async (_, wait) => {
    const { author, reader, newsletter } = await setUp()
    await subscribe(reader, author.link)
    const { operations } = reader
    const link = `hyperletter://${newsletter}#${WRONG}`
    await expectFailure('NEEDS_KEY', operations.subscribe({ link, wait, timeoutSeconds: 10 }))
    expect(await operations.readIssue({ newsletter })).toMatchObject({ title: 'Issue 1' })
    expect(await operations.listNewsletters({})).toMatchObject([{ link: author.link, issues: 1 }])
  })
})

test('a wrong key that is in the library gives NEEDS_KEY everywhere, never garbage', async () => {
  const { author, reader, newsletter } = await setUp()
  const { operations } = reader
  await subscribeSoon(reader, `hyperletter://${newsletter}#${WRONG}`)
  const { length } = await feedOf(author, newsletter)
  await eventually(async () =>
    expect(await standing(reader, newsletter)).toMatchObject({ heldBlocks: length, length }),
  )
  const asked = [
    () => operations.listIssues({ newsletter }),
    () => operations.readIssue({ newsletter }),
    () => operations.readIssue({ newsletter, number: 1 }),
    () => operations.readAttachment({ newsletter, number: 1, name: 'a.png' }),
    () => operations.markIssue({ newsletter, number: 1, read: true }),
  ]
  for (const ask of asked) await expectFailure('NEEDS_KEY', ask())
  expect(await operations.listNewsletters({})).toMatchObject([
    { issues: 0, unread: 0, problem: { code: 'NEEDS_KEY' } },
  ])
  expect(await operations.listInbox({})).toEqual([])

  // What is carried is right all the same, and another key makes it readable at once.
  await author.engine.close()
  await subscribe(reader, author.link)
  expect(await operations.readIssue({ newsletter })).toMatchObject({ title: 'Issue 1' })
})

test('a bundle of what cannot be read here is made, and is the same', async () => {
  const { author, reader, newsletter } = await setUp()
  await subscribeSoon(reader, `hyperletter://${newsletter}#${WRONG}`)
  const { length } = await feedOf(author, newsletter)
  await eventually(async () =>
    expect(await standing(reader, newsletter)).toMatchObject({ heldBlocks: length, length }),
  )
  const whole = Buffer.concat(await all(author.operations.exportBundle({ newsletter })))
  const blind = Buffer.concat(await all(reader.operations.exportBundle({ newsletter })))
  expect(blind.equals(whole)).toBe(true)
  expect(whole.includes('hyperletter":1')).toBe(false)
  // Where the issues begin, only who can read the records knows.
  await expectFailure('NEEDS_KEY', reader.operations.exportBundle({ newsletter, since: 1 }))
})

test.each([
  ['no key', undefined],
  ['a wrong key', WRONG],
])('an author whose library has %s appends nothing', async (_, encryptionKey) => {
  const { author, newsletter } = await setUp()
  const { engine, operations } = author
  const feedKey = parseFeedKey(newsletter)
  const { length } = await feedOf(author, newsletter)
  await engine.library.add(feedKey, 'author', { encryptionKey })
  await (await engine.network()).stop(feedKey)
  await engine.feeds.closeFeed(feedKey)

  await expectFailure('NEEDS_KEY', publish(operations, '# In the clear\n', newsletter))

  expect((await feedOf(author, newsletter)).length).toBe(length)
})
