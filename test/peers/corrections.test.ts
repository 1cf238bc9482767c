import { describe, expect, it } from 'vitest'
import { contentRange } from '../../src/format/history/corrections.ts'
import type { Feed } from '../../src/format/feed.ts'
import { all, single } from '../helpers/operations.ts'
import { openAuthor, openPeer, publish, type Peer } from '../helpers/peers.ts'
import {
  announce,
  copyPlainly,
  eventually,
  feedOf,
  openPlainly,
  plainPeer,
  standing,
  subscribe,
  subscribeSoon,
} from '../helpers/swarm-peers.ts'
import { privateNetwork } from '../helpers/testnet.ts'
import { coreOf } from '../helpers/stores.ts'

/** Blocks of the first edition's body of an issue: of the record, which stays. */
async function bodyOf(feed: Feed, number: number) {
  const { record } = await feed.issue(number)
  return contentRange(record.body)
}

/** Waits until a peer knows that an issue was taken back and has it no more. */
async function dropped(peer: Peer, feedKey: string, number: number): Promise<void> {
  const feed = await feedOf(peer, feedKey)
  await eventually(async () => {
    expect((await feed.issue(number, { wait: false })).retraction).toBeDefined()
    expect(feed.log.countHeld(await bodyOf(feed, number))).toBe(0)
  })
}

describe.each([
  ['a public', false],
  ['a private', true],
] as const)('in %s newsletter', (_, isPrivate) => {
  it('a retracted issue leaves every disk that follows it, and can be had from none of them', async () => {
    const network = await privateNetwork()
    const author = await openAuthor(network, { issues: 4, isPrivate })
    const { feedKey, link } = author
    const reader = await openPeer(network)
    await subscribe(reader, link)
    const feed = await feedOf(reader, feedKey)
    expect(feed.log.countHeld(await bodyOf(feed, 2))).toBe(1)

    await author.operations.retractIssue({ number: 2, reason: 'It was wrong.' })
    for (const peer of [author, reader]) await dropped(peer, feedKey, 2)
    for (const { operations } of [author, reader]) {
      expect(await operations.readIssue({ newsletter: feedKey, number: 2 })).toMatchObject({
        title: 'Issue 2',
        markdown: '',
        attachments: [],
        retracted: { reason: 'It was wrong.' },
        verified: true,
      })
    }

    const third = await plainPeer(network)
    const core = await openPlainly(third, feedKey)
    core.download({ start: 0, end: -1 })
    await announce(third, core)
    await eventually(() => expect(core.peers).toHaveLength(2))
    const { start } = await bodyOf(feed, 2)
    await eventually(async () => {
      for (let index = 0; index < feed.length; index++) {
        expect(await core.has(index), `block ${index}`).toBe(index !== start)
      }
    })
    await expect(core.get(start, { timeout: 300 })).rejects.toMatchObject({
      code: 'REQUEST_TIMEOUT',
    })
  })

  it('an amended issue is read everywhere in its newest edition, and in the first on request', async () => {
    const network = await privateNetwork()
    const author = await openAuthor(network, { issues: 2, isPrivate })
    const { feedKey, link } = author
    const early = await openPeer(network)
    await subscribe(early, link)
    await author.operations.amendIssue({
      number: 1,
      draft: { markdown: '# Issue 1, mended\n\nHigh water at noon.\n' },
      note: 'The time was wrong.',
    })
    const late = await openPeer(network)
    await subscribe(late, link)
    for (const { operations } of [author, early, late]) {
      await eventually(async () => {
        const issue = await operations.readIssue({ newsletter: feedKey, number: 1 })
        expect(issue).toMatchObject({
          number: 1,
          title: 'Issue 1, mended',
          markdown: '# Issue 1, mended\n\nHigh water at noon.\n',
          editions: 2,
          note: 'The time was wrong.',
          verified: true,
        })
      })
      const first = await operations.readIssue({ newsletter: feedKey, number: 1, edition: 1 })
      expect(first).toMatchObject({ title: 'Issue 1', editions: 2 })
      expect(first).not.toHaveProperty('amendedAt')
    }
  })

  it('who joins later does not ask for what was taken back, and has all', async () => {
    const network = await privateNetwork()
    const author = await openAuthor(network, { issues: 6, isPrivate })
    const { feedKey, link, operations } = author
    // A seeder that cannot know what was taken back keeps it: it could still be had.
    const keeper = await plainPeer(network)
    const kept = await copyPlainly(keeper, feedKey, 13)
    for (const number of [1, 3, 4, 6]) await operations.retractIssue({ number })

    const reader = await openPeer(network)
    const asked: number[] = []
    await subscribeSoon(reader, link)
    const feed = await feedOf(reader, feedKey)
    coreOf(feed).on('download', (index) => asked.push(index))
    const events = await all(
      reader.operations.followSync({ newsletter: feedKey, timeoutSeconds: 10 }),
    )
    expect(events.at(-1)).toMatchObject({ heldBlocks: 17, length: 17 })
    for (const number of [1, 3, 4, 6]) {
      const { start } = await bodyOf(feed, number)
      expect(await kept.has(start)).toBe(true)
      expect(await coreOf(feed).has(start)).toBe(false)
      expect(asked).not.toContain(start)
    }
    await eventually(async () => {
      expect(await standing(author, feedKey)).toMatchObject({ heldBlocks: 17, fullCopies: 2 })
      expect(await standing(reader, feedKey)).toMatchObject({ heldBlocks: 17, fullCopies: 2 })
    })
  })
})

describe('after retractions', () => {
  it('the author publishes on, and readers get it and count as copies', async () => {
    const network = await privateNetwork()
    const author = await openAuthor(network, { issues: 3 })
    const { feedKey, link, operations } = author
    const reader = await openPeer(network)
    await subscribe(reader, link)
    await operations.retractIssue({ number: 2 })
    await dropped(reader, feedKey, 2)
    const draft = { markdown: '# Issue 4\n' }
    const events = await all(operations.publishIssue({ draft, waitCopies: 1, timeoutSeconds: 10 }))
    expect(events.at(-1)).toMatchObject({ event: 'copies', copies: 1 })
    await eventually(async () => {
      expect(await standing(author, feedKey)).toMatchObject({ issues: 4, fullCopies: 1 })
    })
  })

  it('a reader carries what is left to another while the author is offline', async () => {
    const network = await privateNetwork()
    const author = await openAuthor(network, { issues: 30 })
    const { feedKey, link, operations } = author
    for (let number = 1; number <= 30; number += 2) await operations.retractIssue({ number })
    const reader = await openPeer(network)
    await subscribe(reader, link)
    await author.engine.close()
    const second = await openPeer(network)
    await subscribe(second, link)
    const issues = await second.operations.listIssues({ newsletter: feedKey })
    expect(issues).toHaveLength(30)
    expect(issues.every((it) => it.held)).toBe(true)
    expect(issues.filter((it) => it.retractedAt !== undefined)).toHaveLength(15)
    expect(await second.operations.readIssue({ newsletter: feedKey, number: 8 })).toMatchObject({
      title: 'Issue 8',
      verified: true,
    })
  })

  it.each([true, false])(
    'an author restores what readers hold and publishes on (private: %s)',
    async (isPrivate) => {
      const network = await privateNetwork()
      const lost = await openPeer(network)
      const { feedKey, link, recoveryPhrase } = await lost.operations.createNewsletter({
        title: 'Tide tables',
        private: isPrivate,
      })
      for (const title of ['One', 'Two', 'Three']) await publish(lost.operations, `# ${title}\n`)
      await lost.operations.amendIssue({ number: 3, draft: { markdown: '# Three, mended\n' } })
      await lost.operations.retractIssue({ number: 2 })
      const reader = await openPeer(network)
      await subscribe(reader, link)
      await lost.engine.close()

      const { operations } = await openPeer(network)
      await all(operations.restoreNewsletter({ recoveryPhrase, timeoutSeconds: 10 }))
      expect(await publish(operations, '# Four\n')).toMatchObject({ number: 4 })
      const titles = async (peer: Pick<Peer, 'operations'>) =>
        (await peer.operations.listIssues({ newsletter: feedKey })).map((it) => it.title)
      await eventually(async () => {
        expect(await titles(reader)).toEqual(['Four', 'Three, mended', 'Two', 'One'])
      })
      expect(await operations.readIssue({ newsletter: feedKey, number: 2 })).toMatchObject({
        markdown: '',
        retracted: {},
      })
      const { newsletters } = await reader.operations.status({})
      expect(single(newsletters)).not.toHaveProperty('problem')
    },
  )

  it('a block that arrives all the same does not stay', async () => {
    const network = await privateNetwork()
    const author = await openAuthor(network, { issues: 2 })
    const { feedKey, link, operations } = author
    const keeper = await plainPeer(network)
    await copyPlainly(keeper, feedKey, 5)
    const reader = await openPeer(network)
    await subscribe(reader, link)
    await operations.retractIssue({ number: 1 })
    await dropped(reader, feedKey, 1)
    const core = coreOf(await feedOf(reader, feedKey))
    expect(await core.get(1, { timeout: 5_000 })).not.toBeNull()
    await eventually(async () => expect(await core.has(1)).toBe(false))
  })

  it('a seeder who cannot read a private newsletter keeps and serves all of it', async () => {
    const network = await privateNetwork()
    const author = await openAuthor(network, { issues: 2, isPrivate: true })
    const { feedKey, operations } = author
    const seeder = await openPeer(network)
    await seeder.operations.seed({ link: feedKey })
    await all(seeder.operations.followSync({ newsletter: feedKey, timeoutSeconds: 10 }))
    await operations.retractIssue({ number: 1 })
    await publish(operations, '# Three\n')
    const core = coreOf(await feedOf(seeder, feedKey))
    await eventually(() => expect(core.contiguousLength).toBe(8))
    expect(await core.has(1)).toBe(true)
    expect(single((await seeder.operations.status({})).newsletters)).toMatchObject({
      heldBlocks: 8,
    })
  })
})
