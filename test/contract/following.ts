import { expect, it } from 'vitest'
import type { Output } from '../../src/api/contract/contract.ts'
import { all, expectFailure, only, single } from '../helpers/operations.ts'
import { openAuthor, openPeer, publishUntil } from '../helpers/peers.ts'
import { privateNetwork } from '../helpers/testnet.ts'
import { statementOf, write } from '../helpers/succession.ts'
import { open, type Subject } from './subject.ts'

/** A key that is well formed and that nobody serves. */
const NOBODY = 'y'.repeat(52)

/** `subscribe`, `inbox`, `watch`, `seed` and what undoes them, on a private network. */
export function followingTests(subject: Subject): void {
  it('subscribes, and stays until everything is held', async () => {
    const network = await privateNetwork()
    const author = await openAuthor(network, { issues: 3 })
    const operations = await open(subject, network)
    const events = await all(operations.subscribe({ link: author.link, timeoutSeconds: 15 }))
    expect(events[0]).toMatchObject({
      event: 'subscribed',
      feedKey: author.feedKey,
      title: 'Tide tables',
    })
    const last = only(events, 'progress').at(-1)
    expect(last).toMatchObject({ heldBlocks: 7, length: 7 })
    const issue = await operations.readIssue({ newsletter: 'Tide tables', number: 2 })
    expect(issue).toMatchObject({ title: 'Issue 2', verified: true })
    const status = await operations.status({})
    expect(status).toMatchObject({ online: true })
    expect(single(status.newsletters)).toMatchObject({
      roles: ['subscriber'],
      issues: 3,
      heldBlocks: 7,
      length: 7,
    })
    expect(single(status.newsletters).downloadedBytes).toBeGreaterThan(0)
  })

  it('counts the archive of a newsletter as read, as it was asked to, and only once', async () => {
    const network = await privateNetwork()
    const author = await openAuthor(network, { issues: 4 })
    const operations = await open(subject, network)
    const input = { link: author.link, timeoutSeconds: 15 }
    await all(operations.subscribe({ ...input, unread: 1 }))
    const unread = async () => (await operations.listInbox({})).map((it) => it.number)
    expect(await unread()).toStrictEqual([4])
    await all(operations.subscribe({ ...input, unread: 'all' }))
    expect(await unread()).toStrictEqual([4])
    await operations.unsubscribe({ newsletter: author.feedKey })
    await all(operations.subscribe({ ...input, unread: 'all' }))
    expect(await unread()).toStrictEqual([4, 3, 2, 1])
  })

  it('shows what a link leads to, and leaves the library as it was', async () => {
    const network = await privateNetwork()
    const author = await openAuthor(network, { issues: 2, isPrivate: true })
    const operations = await open(subject, network)
    const preview = await operations.previewNewsletter({ link: author.link, timeoutSeconds: 15 })
    expect(preview).toMatchObject({
      feedKey: author.feedKey,
      title: 'Tide tables',
      private: true,
      issues: 2,
      subscribed: false,
      newest: { number: 2, title: 'Issue 2' },
    })
    expect(await operations.listNewsletters({})).toStrictEqual([])
    expect((await operations.status({})).newsletters).toStrictEqual([])
    await all(operations.subscribe({ link: author.link, timeoutSeconds: 15 }))
    const again = await operations.previewNewsletter({ link: author.link })
    expect(again).toMatchObject({ subscribed: true, private: true })
  })

  it('says that nobody answers for a link, and keeps nothing of it', async () => {
    const operations = await open(subject, await privateNetwork())
    const input = { link: NOBODY, timeoutSeconds: 0.3 }
    await expectFailure('NOT_AVAILABLE', operations.previewNewsletter(input))
    await expectFailure('INVALID_LINK', operations.previewNewsletter({ link: 'x' }))
    expect(await operations.listNewsletters({})).toStrictEqual([])
  })

  it('keeps unread issues in the inbox, newest first, until they are marked', async () => {
    const network = await privateNetwork()
    const author = await openAuthor(network, { issues: 3 })
    const operations = await open(subject, network)
    await all(operations.subscribe({ link: author.link, timeoutSeconds: 15 }))
    const newsletter = author.feedKey
    const inbox = async () => (await operations.listInbox({})).map((it) => it.number)
    expect(await inbox()).toStrictEqual([3, 2, 1])
    await operations.readIssue({ newsletter, number: 2 })
    expect(await inbox()).toStrictEqual([3, 2, 1])
    await operations.readIssue({ newsletter, number: 2, markRead: true })
    expect(await inbox()).toStrictEqual([3, 1])
    const marked = await operations.markIssue({ newsletter, number: 3, read: true })
    expect(marked).toMatchObject({ number: 3, read: true, held: true })
    expect(await inbox()).toStrictEqual([1])
    await operations.markIssue({ newsletter, number: 2, read: false })
    expect(await inbox()).toStrictEqual([2, 1])
    expect(single(await operations.listNewsletters({}))).toMatchObject({ issues: 3, unread: 2 })
  })

  it('reports an issue of a subscription as it arrives', async () => {
    const network = await privateNetwork()
    const author = await openAuthor(network, { issues: 1 })
    const operations = await open(subject, network)
    await all(operations.subscribe({ link: author.link, timeoutSeconds: 15 }))
    const watch = operations.watchIssues({})[Symbol.asyncIterator]()
    const first = await publishUntil(watch.next(), author.operations, '# Storm\n\nStay home.\n')
    expect(first.value).toMatchObject({ title: 'Storm', held: true, read: false })
    await watch.return?.()
  })

  it.each([
    ['all', undefined],
    ['one', 'Tide'],
  ])(
    'tells while it watches %s where a newsletter continues, and watches it there',
    async (_, newsletter) => {
      const network = await privateNetwork()
      const old = await write(network, 'Tide tables')
      const next = await write(network, 'Tide tables')
      const operations = await open(subject, network)
      await all(operations.subscribe({ link: old.link, timeoutSeconds: 15 }))
      const input = newsletter === undefined ? {} : { newsletter }
      const watch = operations.watchIssues(input)[Symbol.asyncIterator]()
      const until = async (isIt: (it: Output<'watchIssues'>) => boolean) => {
        for (;;) {
          const { value } = (await watch.next()) as IteratorYieldResult<Output<'watchIssues'>>
          if (isIt(value)) return value
        }
      }
      await publishUntil(watch.next(), old.operations, '# Storm\n')
      await operations.acceptSuccession({ statement: await statementOf(old, next.feedKey) })
      expect(await until((it) => 'event' in it)).toMatchObject({
        event: 'continues',
        feedKey: old.feedKey,
        title: 'Tide tables',
        successor: { feedKey: next.feedKey, link: `hyperletter://${next.feedKey}` },
      })
      const arrived = until((it) => !('event' in it) && it.title === 'Calm again')
      const { feedKey } = await publishUntil(arrived, next.operations, '# Calm again\n')
      expect(feedKey).toBe(next.feedKey)
      await watch.return?.()
    },
  )

  it('reads a private newsletter with its link, and knows nothing with its key alone', async () => {
    const network = await privateNetwork()
    const author = await openAuthor(network, { issues: 1, isPrivate: true })
    const operations = await open(subject, network)
    const { feedKey, link } = author
    await expectFailure('NEEDS_KEY', operations.subscribe({ link: feedKey, timeoutSeconds: 15 }))
    expect(await operations.listNewsletters({})).toStrictEqual([])
    const wrong = `${feedKey}#${'y'.repeat(52)}`
    await expectFailure('NEEDS_KEY', operations.subscribe({ link: wrong, timeoutSeconds: 15 }))
    expect(await operations.listNewsletters({})).toStrictEqual([])
    await all(operations.subscribe({ link, timeoutSeconds: 15 }))
    const issue = await operations.readIssue({ newsletter: feedKey })
    expect(issue).toMatchObject({ title: 'Issue 1', verified: true })
    expect(single(await operations.listNewsletters({}))).toMatchObject({ private: true, link })
  })

  it('keeps a subscription for later without waiting, and follows it when somebody comes', async () => {
    const network = await privateNetwork()
    const author = await openAuthor(network, { issues: 2, isOnline: false })
    const operations = await open(subject, network)
    const events = await all(operations.subscribe({ link: author.link, wait: false }))
    expect(events).toStrictEqual([{ event: 'subscribed', feedKey: author.feedKey, issues: 0 }])
    await author.engine.network()
    const followed = await all(
      operations.followSync({ newsletter: author.feedKey, timeoutSeconds: 15 }),
    )
    expect(followed.at(-1)).toMatchObject({ event: 'progress', heldBlocks: 5, length: 5 })
    expect(single(await operations.listNewsletters({})).title).toBe('Tide tables')
  })

  it('changes nothing when nobody serves the key by the deadline', async () => {
    const operations = await open(subject, await privateNetwork())
    const error = await expectFailure(
      'NOT_AVAILABLE',
      operations.subscribe({ link: NOBODY, timeoutSeconds: 0.3 }),
    )
    expect(error).toMatchObject({ exitCode: 3, hint: expect.any(String) as string })
    expect(await operations.listNewsletters({})).toStrictEqual([])
    expect(await operations.status({})).toMatchObject({ newsletters: [] })
  })

  it('changes nothing when subscribing is aborted', async () => {
    const operations = await open(subject, await privateNetwork())
    const abort = new AbortController()
    const subscribing = failing(operations.subscribe({ link: NOBODY }, { signal: abort.signal }))
    await operations.status({})
    abort.abort()
    await expectFailure('ABORTED', subscribing)
    expect(await operations.listNewsletters({})).toStrictEqual([])
  })

  it('keeps the subscription when the download stands still', async () => {
    const operations = await open(subject, await privateNetwork())
    await all(operations.subscribe({ link: NOBODY, wait: false }))
    const following = operations.followSync({ newsletter: NOBODY, timeoutSeconds: 0.3 })
    await expectFailure('TIMEOUT', following)
    expect(single(await operations.listNewsletters({}))).toStrictEqual({
      feedKey: NOBODY,
      link: `hyperletter://${NOBODY}`,
      roles: ['subscriber'],
      issues: 0,
      unread: 0,
      private: false,
    })
  })

  it('unsubscribes, and says what it was', async () => {
    const network = await privateNetwork()
    const author = await openAuthor(network, { issues: 2 })
    const operations = await open(subject, network)
    await all(operations.subscribe({ link: author.link, timeoutSeconds: 15 }))
    const newsletter = 'Tide tables'
    expect(await operations.unsubscribe({ newsletter })).toStrictEqual({
      feedKey: author.feedKey,
      title: 'Tide tables',
      issues: 2,
    })
    expect(await operations.listNewsletters({})).toStrictEqual([])
    await expectFailure('NEWSLETTER_NOT_FOUND', operations.unsubscribe({ newsletter }))
    const events = await all(operations.subscribe({ link: author.link, timeoutSeconds: 15 }))
    expect(events.at(-1)).toMatchObject({ heldBlocks: 5, length: 5 })
  })

  it('seeds a private newsletter blindly, for a reader who finds nobody else', async () => {
    const network = await privateNetwork()
    const author = await openAuthor(network, { issues: 2, isPrivate: true })
    const operations = await open(subject, network)
    const newsletter = author.feedKey
    expect(await operations.seed({ link: author.feedKey })).toStrictEqual({ feedKey: newsletter })
    await all(operations.followSync({ newsletter, timeoutSeconds: 15 }))
    await expectFailure('NEEDS_KEY', operations.listIssues({ newsletter }))
    await expectFailure('NEEDS_KEY', operations.readIssue({ newsletter }))
    expect(await operations.listInbox({})).toStrictEqual([])
    await author.engine.close()

    const reader = await openPeer(network)
    await all(reader.operations.subscribe({ link: author.link, timeoutSeconds: 20 }))
    const issue = await reader.operations.readIssue({ newsletter })
    expect(issue).toMatchObject({ title: 'Issue 2', verified: true })
    expect(single((await operations.status({})).newsletters).uploadedBytes).toBeGreaterThan(0)

    expect(await operations.unseed({ newsletter })).toStrictEqual({ feedKey: newsletter })
    expect(await operations.listNewsletters({})).toStrictEqual([])
    await expectFailure('NEWSLETTER_NOT_FOUND', operations.unseed({ newsletter }))
  })

  it('counts the copies of a new issue', async () => {
    const network = await privateNetwork()
    const operations = await open(subject, network)
    const { link } = await operations.createNewsletter({ title: 'Tide tables' })
    const reader = await openPeer(network)
    await all(reader.operations.subscribe({ link, wait: false }))
    const draft = { markdown: '# One\n' }
    const events = await all(operations.publishIssue({ draft, waitCopies: 1, timeoutSeconds: 20 }))
    expect(events.at(-1)).toMatchObject({ event: 'copies', copies: 1, peers: 1 })
  })

  it('refuses to publish to a newsletter that it only follows', async () => {
    const operations = await open(subject, await privateNetwork())
    await all(operations.subscribe({ link: NOBODY, wait: false }))
    const draft = { markdown: '# Not mine\n' }
    const publishing = operations.publishIssue({ newsletter: NOBODY, draft })
    await expectFailure('NOT_AUTHOR', publishing)
  })

  it('leaves a role that was not asked about', async () => {
    const operations = await open(subject, await privateNetwork())
    await operations.seed({ link: NOBODY })
    await expectFailure('NEWSLETTER_NOT_FOUND', operations.unsubscribe({ newsletter: NOBODY }))
    await all(operations.subscribe({ link: NOBODY, wait: false }))
    await operations.unseed({ newsletter: NOBODY })
    expect(single(await operations.listNewsletters({})).roles).toStrictEqual(['subscriber'])
  })
}

/** Starts an operation now; its failure is looked at later. */
function failing(results: AsyncIterable<unknown>): Promise<unknown> {
  const running = all(results)
  running.catch(() => undefined)
  return running
}
