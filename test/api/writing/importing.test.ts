import { describe, expect, it, vi } from 'vitest'
import { importDrafts } from '../../../src/api/writing/importing.ts'
import { bindOperations } from '../../../src/api/operations.ts'
import { draftFromMarkdown } from '../../../src/sources/draft.ts'
import {
  skippedFor,
  type DraftSource,
  type FoundDraft,
  type SkippedDraft,
} from '../../../src/sources/source.ts'
import { openEngine } from '../../helpers/engines.ts'
import { expectCode } from '../../helpers/errors.ts'
import { all } from '../../helpers/operations.ts'

/** An archive in memory: texts and files by name. It counts how often a file was opened. */
function archive(texts: Record<string, string>, files: Record<string, string> = {}) {
  const opened: string[] = []
  async function found(origin: string): Promise<FoundDraft | SkippedDraft> {
    try {
      const draft = await draftFromMarkdown(texts[origin] ?? '', {
        date: new Date(0),
        dateFrom: 'file',
        files: {
          async find(name) {
            const text = files[name]
            return text === undefined
              ? undefined
              : {
                  sizeBytes: Buffer.byteLength(text),
                  async open() {
                    opened.push(name)
                    if (text === 'unreadable') throw new Error('gone')
                    return Buffer.from(text)
                  },
                }
          },
        },
      })
      return { origin, draft }
    } catch (error) {
      return skippedFor(origin, error)
    }
  }
  const source: DraftSource = {
    async *drafts() {
      for (const origin of Object.keys(texts)) yield await found(origin)
    },
  }
  return { source, opened }
}

async function author() {
  const engine = await openEngine()
  const operations = bindOperations(engine, 'engine')
  await operations.createNewsletter({ title: 'Tide Tables' })
  const run = (source: DraftSource) => all(importDrafts(engine, source, {}, {}))
  const text = async (number: number) => {
    const issue = await operations.readIssue({ newsletter: 'Tide Tables', number })
    return issue.markdown
  }
  return { engine, operations, run, text }
}

describe('importDrafts', () => {
  it('publishes the drafts of any source in their order, with their attachments', async () => {
    const { operations, run, text } = await author()
    const { source, opened } = archive(
      {
        'post/2': '---\ntitle: Two\ndate: 2026-02-01\n---\n![](a.png) ![](missing.png)',
        'post/1': '---\ntitle: One\ndate: 2026-01-01\n---\nFirst.',
        'post/3': '',
      },
      { 'a.png': 'bytes of a picture' },
    )
    const events = await run(source)
    expect(events).toMatchObject([
      { event: 'skipped', file: 'post/3', code: 'INVALID_DRAFT' },
      { event: 'progress', done: 0, total: 2 },
      { event: 'warning', file: 'post/2' },
      { event: 'progress', done: 2, total: 2, file: 'post/2' },
      { event: 'finished', published: 2 },
    ])
    expect(await text(1)).toContain('First.')
    expect(opened).toEqual(['a.png'])
    const picture = { newsletter: 'Tide Tables', number: 2, name: 'a.png' }
    const bytes = Buffer.concat(await all(operations.readAttachment(picture)))
    expect(bytes.toString()).toBe('bytes of a picture')
  })

  it('leaves out a draft that no record can be made of, and publishes those around it', async () => {
    const { operations, run } = await author()
    const { source } = archive(
      { a: '# A\n\nx', b: '# B\n\n![](b.png)', c: '# C\n\nz' },
      { 'b.png': 'x' },
    )
    const events = await run({
      async *drafts(options) {
        for await (const it of source.drafts(options)) {
          if (!('draft' in it)) continue
          const { attachments } = it.draft
          yield { ...it, draft: { ...it.draft, attachments: [...attachments, ...attachments] } }
        }
      },
    })
    expect(events).toContainEqual(expect.objectContaining({ event: 'skipped', file: 'b' }))
    expect(events.at(-1)).toMatchObject({ event: 'finished', published: 2 })
    const issues = await operations.listIssues({ newsletter: 'Tide Tables' })
    expect(issues.map((it) => it.title).toSorted()).toEqual(['A', 'C'])
  })

  it('opens nothing for a draft that was published before', async () => {
    const { run } = await author()
    const { source, opened } = archive({ a: '# A\n\n![](a.png)' }, { 'a.png': 'x' })
    await run(source)
    const again = await run(source)
    expect(again[0]).toMatchObject({ event: 'skipped', file: 'a', code: 'INVALID_INPUT' })
    expect(again.at(-1)).toMatchObject({ published: 0 })
    expect(opened).toEqual(['a.png'])
  })

  it('publishes nothing where it cannot be known what was published before', async () => {
    const { engine, operations, run } = await author()
    const texts = Array.from({ length: 20 }, (_, i): [string, string] => [`${i}`, `# Post ${i}`])
    const { source } = archive(Object.fromEntries(texts))
    await run(source)
    const [entry] = engine.library.list()
    if (entry === undefined) throw new Error('There is no newsletter.')
    await using session = await engine.open(entry)
    session.feed.maxRecordBytes = 1_500
    const { message, hint } = await expectCode(run(source), 'TOO_LARGE')
    expect(message).toMatch(/^Nothing was imported, .* issues before number 1\d are left out\.$/)
    expect(hint).toContain('--disk-cap')
    session.feed.maxRecordBytes = Infinity
    expect((await run(source)).at(-1)).toMatchObject({ published: 0 })
    expect(await operations.listIssues({ newsletter: entry.feedKey })).toHaveLength(20)
  })

  it('knows a post by its title and date, wherever it lies, and another of the same file name', async () => {
    const { operations, run } = await author()
    const post = (title: string, day: string, text = 'Text.') =>
      `---\ntitle: ${title}\ndate: ${day}\n---\n${text}`
    await all(operations.publishIssue({ draft: { markdown: post('By hand', '2026-01-01') } }))
    const { source } = archive({
      '01.md': post('First', '2026-01-02'),
      '02.md': post('By hand', '2026-01-01'),
    })
    expect((await run(source)).at(-1)).toMatchObject({ published: 1 })

    const moved = archive({
      '01.md': post('Other', '2026-01-03'),
      'posts/01.md': post('First', '2026-01-02'),
      'renamed.md': post('By hand', '2026-01-01', 'Another text.'),
    })
    const events = await run(moved.source)
    expect(events.filter((it) => it.event === 'skipped')).toMatchObject([
      { file: 'posts/01.md', message: 'already published as issue 2' },
      {
        file: 'renamed.md',
        message: expect.stringContaining('issue 1, and changed since') as unknown,
      },
    ])
    expect(events.at(-1)).toMatchObject({ published: 1 })
    const titles = (await operations.listIssues({ newsletter: 'Tide Tables' })).map(
      (it) => it.title,
    )
    expect(titles).toEqual(['Other', 'First', 'By hand'])
  })

  it('publishes what was for later once its time has come', async () => {
    const { run } = await author()
    vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2026-01-01T12:00:00Z') })
    try {
      const { source } = archive({ a: '---\ntitle: A\ndate: 2026-01-09T09:00:00Z\n---\nText.' })
      const left = { event: 'skipped', file: 'a', code: 'INVALID_DRAFT' }
      expect(await run(source)).toMatchObject([left, {}, { published: 0 }])
      vi.setSystemTime(Date.parse('2026-01-09T09:00:01Z'))
      expect((await run(source)).at(-1)).toMatchObject({ published: 1 })
      expect((await run(source)).at(-1)).toMatchObject({ published: 0 })
    } finally {
      vi.useRealTimers()
    }
  })

  it('skips a draft whose attachment cannot be read, and publishes the others', async () => {
    const { run, text } = await author()
    const { source } = archive(
      { a: '# A\n\n![](a.png)', b: '# B\n\nText.' },
      { 'a.png': 'unreadable' },
    )
    expect(await run(source)).toMatchObject([
      { event: 'progress', total: 2 },
      { event: 'skipped', file: 'a' },
      { event: 'progress', done: 1 },
      { event: 'finished', published: 1 },
    ])
    expect(await text(1)).toContain('Text.')
  })
})
