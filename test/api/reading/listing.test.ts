import { describe, expect, test } from 'vitest'
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
})
