import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { Output } from '../../src/api/contract/contract.ts'
import { all, expectFailure, single } from '../helpers/operations.ts'
import { publish, publishUntil } from '../helpers/peers.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { open, openWithNewsletter, type Subject } from './subject.ts'

const NEWSLETTER = 'Tide tables'

/** `list`, `issues`, `read`, `save`, `watch` and `status`, without a network. */
export function readingTests(subject: Subject): void {
  it('lists issues newest first', async () => {
    const { operations, feedKey } = await openWithNewsletter(subject)
    for (const title of ['One', 'Two', 'Three']) await publish(operations, `# ${title}\n`)
    const listed = await operations.listIssues({ newsletter: feedKey })
    expect(listed.map(({ number, title }) => [number, title])).toStrictEqual([
      [3, 'Three'],
      [2, 'Two'],
      [1, 'One'],
    ])
    expect(listed.every((it) => it.held)).toBe(true)
  })

  it('lists issues in pages', async () => {
    const { operations, feedKey: newsletter } = await openWithNewsletter(subject)
    for (const title of ['One', 'Two', 'Three']) await publish(operations, `# ${title}\n`)
    const page = async (of: object) =>
      (await operations.listIssues({ newsletter, ...of })).map((it) => it.number)
    expect(await page({ limit: 2 })).toStrictEqual([3, 2])
    expect(await page({ before: 2, limit: 2 })).toStrictEqual([1])
    expect(await page({ before: 1 })).toStrictEqual([])
    expect(await page({ before: 10 })).toStrictEqual([3, 2, 1])
  })

  it('tells while it watches that an issue was amended or taken back, and why', async () => {
    const { operations, feedKey: newsletter } = await openWithNewsletter(subject)
    for (const title of ['One', 'Two']) await publish(operations, `# ${title}\n`)
    const draft = { markdown: '# One, mended\n' }
    await operations.amendIssue({ newsletter, number: 1, draft, note: 'Before.' })
    const watch = operations.watchIssues({ newsletter })[Symbol.asyncIterator]()
    await publishUntil(watch.next(), operations, '# Begun\n')
    await operations.amendIssue({ newsletter, number: 1, draft, note: 'The time.' })
    const next = async () => {
      for (;;) {
        const { value } = (await watch.next()) as IteratorYieldResult<Output<'watchIssues'>>
        if ('event' in value) return value
      }
    }
    expect(await next()).toMatchObject({
      event: 'corrected',
      number: 1,
      title: 'One, mended',
      amendedAt: expect.any(String) as string,
      note: 'The time.',
    })
    await operations.retractIssue({ newsletter, number: 2, reason: 'Wrong.' })
    expect(await next()).toMatchObject({
      event: 'corrected',
      number: 2,
      retractedAt: expect.any(String) as string,
      note: 'Wrong.',
    })
    await watch.return?.()
  })

  it('finds a newsletter by title, prefix of its key, key and link', async () => {
    const { operations, feedKey, link } = await openWithNewsletter(subject)
    await publish(operations, '# One\n')
    for (const newsletter of [NEWSLETTER, 'tide TABLES', feedKey.slice(0, 10), feedKey, link]) {
      expect(single(await operations.listIssues({ newsletter })).feedKey).toBe(feedKey)
    }
  })

  it('gives the text below the head byte for byte', async () => {
    const { operations } = await openWithNewsletter(subject)
    const body =
      '# Höhe\r\n\r\n  two  spaces  \u2028 e\u0301 🌊\t\n\n\n```\n---\n```\nno line feed at the end'
    await publish(operations, `---\ntitle: Height\n---\n${body}`)
    const issue = await operations.readIssue({ newsletter: NEWSLETTER })
    expect(Buffer.from(issue.markdown)).toStrictEqual(Buffer.from(body))
    expect(issue.verified).toBe(true)
  })

  it('gives a text as large as the format allows', async () => {
    const { operations } = await openWithNewsletter(subject)
    const body = randomBytes(750 * 1_024)
      .toString('hex')
      .replace(/.{100}/g, '$&\n')
    await publish(operations, `---\ntitle: Long\n---\n${body}`)
    const { markdown } = await operations.readIssue({ newsletter: NEWSLETTER })
    expect(markdown === body).toBe(true)
  })

  it('reads the newest issue, or the one of a number, with all that its head says', async () => {
    const { operations, feedKey } = await openWithNewsletter(subject)
    const head = [
      'title: "Spring tide"',
      'date: 2026-03-20T06:30:00Z',
      'summary: "Two lines\\u2028of one."',
      'authors: [Marit Solberg]',
      'tags: [tides]',
      'language: en',
    ]
    await publish(operations, `---\n${head.join('\n')}\n---\nText.\n`)
    await publish(operations, '# Second\n')
    expect(await operations.readIssue({ newsletter: NEWSLETTER })).toMatchObject({ number: 2 })
    expect(await operations.readIssue({ newsletter: NEWSLETTER, number: 1 })).toStrictEqual({
      feedKey,
      newsletter: NEWSLETTER,
      number: 1,
      title: 'Spring tide',
      publishedAt: expect.stringMatching(/^2026-03-20T06:30:00/) as string,
      summary: 'Two lines\u2028of one.',
      authors: [{ name: 'Marit Solberg' }],
      tags: ['tides'],
      language: 'en',
      markdown: 'Text.\n',
      attachments: [],
      editions: 1,
      editionBlock: 2,
      verified: true,
      own: true,
    })
  })

  it('gives the bytes of an attachment of many blocks, in parts', async () => {
    const { operations } = await openWithNewsletter(subject)
    const folder = await temporaryDirectory()
    const picture = randomBytes(1_000_003)
    await writeFile(join(folder, 'tide.png'), picture)
    const draft = { markdown: '# Picture\n\n![At noon](tide.png)\n', folder }
    await all(operations.publishIssue({ draft }))
    const { attachments } = await operations.readIssue({ newsletter: NEWSLETTER })
    expect(attachments).toStrictEqual([
      { name: 'tide.png', mediaType: 'image/png', bytes: 1_000_003, alt: 'At noon', held: true },
    ])
    const wanted = { newsletter: NEWSLETTER, number: 1, name: 'tide.png' }
    const parts = await all(operations.readAttachment(wanted))
    expect(parts.length).toBeGreaterThan(1)
    expect(Buffer.concat(parts).equals(picture)).toBe(true)
  })

  it('gives a compressed attachment as it was', async () => {
    const { operations } = await openWithNewsletter(subject)
    const folder = await temporaryDirectory()
    const drawing = '<svg xmlns="http://www.w3.org/2000/svg">'.padEnd(200_000, ' ')
    await writeFile(join(folder, 'tide.svg'), drawing)
    const markdown = '# Drawing\n\n![](tide.svg)\n'
    await all(operations.publishIssue({ draft: { markdown, folder } }))
    const wanted = { newsletter: NEWSLETTER, number: 1, name: 'tide.svg' }
    const parts = await all(operations.readAttachment(wanted))
    expect(Buffer.concat(parts).toString() === drawing).toBe(true)
  })

  it('may be left in the middle of an attachment', async () => {
    const { operations } = await openWithNewsletter(subject)
    const folder = await temporaryDirectory()
    await writeFile(join(folder, 'tide.png'), randomBytes(2_000_000))
    await all(
      operations.publishIssue({ draft: { markdown: '# Picture\n\n![](tide.png)\n', folder } }),
    )
    const wanted = { newsletter: NEWSLETTER, number: 1, name: 'tide.png' }
    for await (const part of operations.readAttachment(wanted)) {
      expect(part.byteLength).toBeGreaterThan(0)
      break
    }
    expect(await operations.listIssues({ newsletter: NEWSLETTER })).toHaveLength(1)
  })

  it('fails with ISSUE_NOT_FOUND for an issue or attachment that does not exist', async () => {
    const { operations } = await openWithNewsletter(subject)
    const newsletter = NEWSLETTER
    await expectFailure('ISSUE_NOT_FOUND', operations.readIssue({ newsletter }))
    await publish(operations, '# One\n')
    await expectFailure('ISSUE_NOT_FOUND', operations.readIssue({ newsletter, number: 2 }))
    const mark = operations.markIssue({ newsletter, number: 2, read: true })
    await expectFailure('ISSUE_NOT_FOUND', mark)
    const attachment = operations.readAttachment({ newsletter, number: 1, name: 'x.png' })
    const error = await expectFailure('ISSUE_NOT_FOUND', attachment)
    expect(error.hint).toBe('It has: none.')
  })

  it('reports an issue that is published meanwhile, and ends with ABORTED when aborted', async () => {
    const { operations, feedKey } = await openWithNewsletter(subject)
    await publish(operations, '# Before\n')
    const abort = new AbortController()
    const { signal } = abort
    const issues = operations.watchIssues({ newsletter: feedKey }, { signal })
    const watch = issues[Symbol.asyncIterator]()
    const first = await publishUntil(watch.next(), operations, '# Meanwhile\n')
    expect(first.value).toMatchObject({ feedKey, title: 'Meanwhile', held: true, read: true })
    const rest = (async () => {
      for (;;) if ((await watch.next()).done === true) return
    })()
    abort.abort()
    await expectFailure('ABORTED', rest)
  })

  it('says where it stands', async () => {
    const { operations, feedKey } = await openWithNewsletter(subject)
    await publish(operations, '# One\n')
    const status = await operations.status({})
    expect(status).toMatchObject({ via: subject.via, online: false, peers: 0 })
    expect(status.bytesOnDisk).toBeGreaterThan(0)
    expect(status.newsletters).toStrictEqual([
      {
        feedKey,
        title: NEWSLETTER,
        roles: ['author'],
        issues: 1,
        heldBlocks: 3,
        length: 3,
        peers: 0,
        fullCopies: 0,
        newestCopies: 0,
        olderCopies: 0,
        uploadedBytes: 0,
        keep: {},
        leftOut: 0,
        tooLarge: [],
        mirrors: [],
        downloadedBytes: 0,
        totals: { uploadedBytes: 0, downloadedBytes: 0 },
      },
    ])
  })

  it('answers many calls at once', async () => {
    const { operations } = await openWithNewsletter(subject)
    await publish(operations, '# One\n')
    const calls = Array.from({ length: 150 }, () =>
      operations.readIssue({ newsletter: NEWSLETTER }),
    )
    const titles = new Set((await Promise.all(calls)).map((it) => it.title))
    expect([...titles]).toStrictEqual(['One'])
  })

  it('has an empty library at first', async () => {
    const operations = await open(subject)
    expect(await operations.listNewsletters({})).toStrictEqual([])
    expect(await operations.listInbox({})).toStrictEqual([])
    expect(await operations.status({})).toMatchObject({ newsletters: [] })
  })
}
