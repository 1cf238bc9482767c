import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { all, expectFailure, single } from '../helpers/operations.ts'
import { publish } from '../helpers/peers.ts'
import { open, openWithNewsletter, type Subject } from './subject.ts'

const FIELD_NOTES = fileURLToPath(
  new URL('../../fixtures/newsletters/field-notes', import.meta.url),
)

/** `search`, `star` and `mark`, without a network. */
export function searchingTests(subject: Subject): void {
  it('finds words in Chinese, Japanese, Hindi and German, and shows where', async () => {
    const { operations } = await openWithNewsletter(subject)
    await all(operations.importFolder({ folder: FIELD_NOTES }))
    const expected = [
      ['槐树', '巷口的槐树', '槐树'],
      ['蜜蜂', '巷口的槐树', '蜜蜂'],
      ['カワセミ', '朝の川', 'カワセミ'],
      ['川', '朝の川', ''],
      ['पेड़', 'नीम का पेड़', 'पेड़'],
      ['तोते', 'नीम का पेड़', 'तोते'],
      ['LÖWENZAHN', 'Am Wegrand', 'Löwenzahn'],
      ['schollkraut', 'Am Wegrand', 'Schöllkraut'],
      ['Brunnhuber', 'Am Wegrand', ''],
    ] as const
    for (const [query, title, shown] of expected) {
      const { excerpt, ...found } = single(await operations.search({ query }))
      expect(found).toMatchObject({ title, read: true, starred: false })
      const marked = excerpt.highlights.map(([start, end]) => excerpt.text.slice(start, end))
      // What was found in the head only is not in the text.
      expect([...marked, '']).toContain(shown)
    }
  })

  it('finds what was published a moment ago, newest words and all', async () => {
    const { operations, feedKey } = await openWithNewsletter(subject)
    expect(await operations.search({ query: 'lighthouse' })).toStrictEqual([])
    await publish(operations, '# One\n\nThe **lighthouse** is dark.\n')
    expect(await operations.search({ query: 'lighthouse' })).toMatchObject([
      {
        feedKey,
        newsletter: 'Tide tables',
        number: 1,
        title: 'One',
        // The title stands above it already.
        excerpt: { text: 'The lighthouse is dark.', highlights: [[4, 14]] },
      },
    ])
    await publish(operations, '# Two\n\nThe lighthouse is lit.\n')
    expect(await operations.search({ query: 'lighthouse' })).toHaveLength(2)
    expect(single(await operations.search({ query: 'two' })).excerpt).toEqual({
      text: 'Two The lighthouse is lit.',
      highlights: [[0, 3]],
    })
  })

  it('finds the text of the newest edition only, and nothing of an issue that was taken back', async () => {
    const { operations } = await openWithNewsletter(subject)
    await publish(operations, '# One\n\nA lighthouse.\n')
    await publish(operations, '# Two\n\nA lighthouse.\n')
    expect(await operations.search({ query: 'lighthouse' })).toHaveLength(2)
    await operations.amendIssue({ number: 1, draft: { markdown: '# One again\n\nA beacon.\n' } })
    expect(single(await operations.search({ query: 'lighthouse' }))).toMatchObject({ number: 2 })
    expect(single(await operations.search({ query: 'beacon' }))).toMatchObject({
      number: 1,
      title: 'One again',
    })
    await operations.retractIssue({ number: 2 })
    expect(await operations.search({ query: 'lighthouse' })).toStrictEqual([])
  })

  it('looks only in one newsletter, from a day on, or for so many issues, if asked', async () => {
    const operations = await open(subject)
    for (const title of ['Tides', 'Rivers']) {
      await operations.createNewsletter({ title })
      for (const year of [2024, 2025, 2026]) {
        await publish(
          operations,
          `---\ntitle: ${title} ${year}\ndate: ${year}-03-01\n---\nWater.\n`,
          title,
        )
      }
    }
    const titles = async (more: object) =>
      (await operations.search({ query: 'water', ...more })).map((it) => it.title).toSorted()
    expect(await titles({})).toHaveLength(6)
    expect(await titles({ newsletter: 'Rivers' })).toStrictEqual([
      'Rivers 2024',
      'Rivers 2025',
      'Rivers 2026',
    ])
    expect(await titles({ since: '2025-03-02' })).toStrictEqual(['Rivers 2026', 'Tides 2026'])
    expect(await titles({ since: '2025-03-01' })).toHaveLength(4)
    expect(await titles({ limit: 2 })).toHaveLength(2)
    await expectFailure('INVALID_INPUT', operations.search({ query: 'water', since: 'March' }))
    await expectFailure(
      'NEWSLETTER_NOT_FOUND',
      operations.search({ query: 'x', newsletter: 'Lakes' }),
    )
  })

  it('refuses a query without a word', async () => {
    const operations = await open(subject)
    for (const query of ['!!!', ' ', '👩‍🚀', '\u0301']) {
      await expectFailure('INVALID_INPUT', operations.search({ query }))
    }
  })

  it('searches private newsletters, and forgets those that leave the library', async () => {
    const operations = await open(subject)
    const { link } = await operations.createNewsletter({ title: 'Diary', private: true })
    await publish(operations, '# One\n\nA lighthouse.\n')
    expect(await operations.search({ query: 'lighthouse' })).toHaveLength(1)
    const seeded = await operations.search({ query: 'lighthouse', newsletter: link })
    expect(single(seeded)).toMatchObject({ newsletter: 'Diary', number: 1 })
  })

  it('gives many answers at once', async () => {
    const { operations } = await openWithNewsletter(subject)
    await publish(operations, '# One\n\nA lighthouse.\n')
    const searches = Array.from({ length: 30 }, () => operations.search({ query: 'lighthouse' }))
    for (const found of await Promise.all(searches)) expect(found).toHaveLength(1)
  })

  it('keeps stars, lists them, and shows them wherever the issue is shown', async () => {
    const { operations, feedKey: newsletter } = await openWithNewsletter(subject)
    for (const title of ['One', 'Two']) await publish(operations, `# ${title}\n\nA lighthouse.\n`)
    expect(await operations.listInbox({ show: 'starred' })).toStrictEqual([])
    const marked = await operations.markIssue({ newsletter, number: 1, starred: true })
    expect(marked).toMatchObject({ number: 1, starred: true, read: true })
    expect(single(await operations.listInbox({ show: 'starred' }))).toMatchObject({ number: 1 })
    const starred = (found: readonly { number: number; starred: boolean }[]) =>
      found.filter((it) => it.starred).map((it) => it.number)
    expect(starred(await operations.listIssues({ newsletter }))).toStrictEqual([1])
    expect(starred(await operations.search({ query: 'lighthouse' }))).toStrictEqual([1])
    await operations.markIssue({ newsletter, number: 1, starred: false })
    expect(await operations.listInbox({ show: 'starred' })).toStrictEqual([])
  })

  it('marks none of many issues when one of them does not exist', async () => {
    const { operations, feedKey: newsletter } = await openWithNewsletter(subject)
    await publish(operations, '# One\n')
    const marking = operations.markIssues({ newsletter, numbers: [1, 2], read: true })
    await expectFailure('ISSUE_NOT_FOUND', marking)
    const marked = await operations.markIssues({ newsletter, numbers: [1, 1], read: true })
    expect(marked).toStrictEqual({ feedKey: newsletter, newsletter: 'Tide tables', changed: 1 })
  })
}
