import { describe, expect, test } from 'vitest'
import type { Input } from '../../../src/api/contract/contract.ts'
import { bindOperations } from '../../../src/api/operations.ts'
import type { Engine } from '../../../src/engine/engine.ts'
import { composeIssue } from '../../../src/format/history/entry.ts'
import { encodeContent } from '../../../src/format/content/content-codec.ts'
import { openEngine } from '../../helpers/engines.ts'
import { beginNewsletter, type Begun } from '../../helpers/newsletters.ts'

async function append(engine: Engine, { feed }: Begun, title: string, publishedAt: string) {
  const body = await encodeContent(new TextEncoder().encode('Text.\n'), 'text/markdown')
  await engine.author.append(feed, [(at) => composeIssue(at, { title, publishedAt }, body, [])])
}

describe('lists', () => {
  test('put an issue of the future where it arrived, below what arrives later', async () => {
    const engine = await openEngine()
    const operations = bindOperations(engine, 'engine')
    const future = await beginNewsletter(engine, { seed: 1 })
    const present = await beginNewsletter(engine, { seed: 2 })
    for (const { feed } of [future, present]) await engine.library.add(feed.feedKey, 'subscriber')
    await append(engine, present, 'Old', '2026-03-02T07:00:00Z')
    for (const day of ['01', '02', '03']) {
      await append(engine, future, `Future ${day}`, `2099-01-${day}T00:00:00Z`)
    }
    const titles = async () => (await operations.listInbox({})).map((it) => it.title)
    expect((await titles()).at(-1)).toBe('Old')
    await append(engine, present, 'New', new Date(Date.now() + 1_000).toISOString())
    expect((await titles())[0]).toBe('New')
    const [first] = await operations.listIssues({ newsletter: future.feed.feedKey })
    expect(first).toMatchObject({ publishedAt: '2099-01-03T00:00:00Z' })
    expect(Date.parse(first?.arrivedAt ?? '')).toBeLessThanOrEqual(Date.now())
  })

  test('come in parts, of one newsletter, and with the beginnings of texts', async () => {
    const engine = await openEngine()
    const operations = bindOperations(engine, 'engine')
    const [one, two] = [
      await beginNewsletter(engine, { seed: 1 }),
      await beginNewsletter(engine, { seed: 2 }),
    ]
    for (const { feed } of [one, two]) await engine.library.add(feed.feedKey, 'subscriber')
    for (const day of ['01', '03', '05'])
      await append(engine, one, `One ${day}`, `2026-03-${day}T07:00:00Z`)
    for (const day of ['02', '04'])
      await append(engine, two, `Two ${day}`, `2026-03-${day}T07:00:00Z`)
    const titles = async (input: Input<'listInbox'>) =>
      (await operations.listInbox(input)).map((it) => it.title)
    expect(await titles({ limit: 2 })).toEqual(['One 05', 'Two 04'])
    expect(await titles({ skip: 2, limit: 2 })).toEqual(['One 03', 'Two 02'])
    expect(await titles({ newsletter: two.feed.feedKey, skip: 1 })).toEqual(['Two 02'])
    // Of one moment, they stay where they are from page to page.
    await append(engine, one, 'One 06', '2026-03-06T07:00:00Z')
    await append(engine, two, 'Two 06', '2026-03-06T07:00:00Z')
    const sameDay = await titles({ limit: 2 })
    expect(sameDay.toSorted()).toEqual(['One 06', 'Two 06'])
    expect([await titles({ limit: 1 }), await titles({ skip: 1, limit: 1 })].flat()).toEqual(
      sameDay,
    )
    expect((await operations.listInbox({ limit: 1 }))[0]?.excerpt).toBeUndefined()
    expect((await operations.listInbox({ limit: 1, excerpts: true }))[0]?.excerpt).toBe('Text.')
  })

  test('are marked as read at once, and as they were before', async () => {
    const engine = await openEngine()
    const operations = bindOperations(engine, 'engine')
    const [one, two] = [
      await beginNewsletter(engine, { seed: 1 }),
      await beginNewsletter(engine, { seed: 2 }),
    ]
    for (const { feed } of [one, two]) await engine.library.add(feed.feedKey, 'subscriber')
    for (const day of ['01', '02', '03'])
      await append(engine, one, `One ${day}`, `2026-03-${day}T07:00:00Z`)
    await append(engine, two, 'Two', '2026-03-04T07:00:00Z')
    await operations.markIssue({ newsletter: one.feed.feedKey, number: 2, read: true })
    const left = async () => (await operations.listInbox({})).map((it) => it.title)
    const [part] = await operations.markAllRead({ newsletter: one.feed.feedKey })
    expect(part).toMatchObject({ feedKey: one.feed.feedKey, numbers: [3, 1] })
    expect(await left()).toEqual(['Two'])
    const { feedKey: newsletter = '', numbers } = part ?? {}
    await operations.markIssues({ newsletter, numbers, read: false })
    expect(await left()).toEqual(['Two', 'One 03', 'One 01'])
    expect(await operations.markAllRead({})).toHaveLength(2)
    expect(await left()).toEqual([])
    expect(await operations.markAllRead({})).toEqual([])
  })

  test('of a newsletter that was just followed have no more than its newest issues unread', async () => {
    const engine = await openEngine()
    const operations = bindOperations(engine, 'engine')
    const { feed } = await beginNewsletter(engine, { seed: 1 })
    const newsletter = feed.feedKey
    const unread = async () => (await operations.listInbox({})).map((it) => it.number)
    await engine.library.add(newsletter, 'subscriber', { unreadAtFirst: 2 })
    expect(await unread()).toEqual([])
    for (const day of ['01', '02', '03', '04'])
      await append(engine, { feed } as Begun, day, `2026-03-${day}T07:00:00Z`)
    expect(await unread()).toEqual([4, 3])
    expect((await operations.listNewsletters({}))[0]).toMatchObject({ issues: 4, unread: 2 })
    // What comes later is news, and what is marked as unread stays so.
    await append(engine, { feed } as Begun, '05', '2026-03-05T07:00:00Z')
    expect(await unread()).toEqual([5, 4, 3])
    expect(await operations.markIssue({ newsletter, number: 1, read: false })).toMatchObject({
      read: false,
    })
    expect(await unread()).toEqual([5, 4, 3, 1])
    await operations.markIssues({ newsletter, read: true })
    expect(await unread()).toEqual([])
    await operations.markIssues({ newsletter, read: false })
    expect(await unread()).toEqual([5, 4, 3, 2, 1])
  })
})
