import { rename, writeFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { Output } from '../../src/api/contract/contract.ts'
import { all, expectFailure, single } from '../helpers/operations.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { openWithNewsletter, type Subject } from './subject.ts'

/** One white pixel. */
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP4DwABAQEAG7buVgAAAABJRU5ErkJggg==',
  'base64',
)

type Preview = Extract<Output<'previewDraft'>, { event: 'preview' }>

const findingsOf = (event: Output<'previewDraft'> | undefined) =>
  event?.event === 'preview' ? event.findings.map(({ kind, line }) => `${kind} ${line ?? ''}`) : []

/** Looking at a draft before it is published. */
export function previewingTests(subject: Subject): void {
  it('shows a draft as its issue will be, with everything that looks wrong, by kind and line', async () => {
    const { operations, feedKey } = await openWithNewsletter(subject)
    const folder = await temporaryDirectory()
    const file = join(folder, 'tide.md')
    await writeFile(join(folder, 'tide.png'), PNG)
    await writeFile(join(folder, 'noise.jpg'), Buffer.alloc(3 * 1024 * 1024, 7))
    await writeFile(join(folder, 'old.tiff'), 'x')
    const head = `---\ntitle: Tide\ndate: 2999-01-05\nlanguage: "?"\n---\n\n`
    const pictures = '![](tide.png) ![](gone.png) ![](noise.jpg) ![](old.tiff)'
    const rest = '[dead](other.html) <script>f()</script>\n\n![](https://a.example/b.png)'
    await writeFile(file, `${head}${pictures}\n\n${rest}\n`)
    const preview = single(await all(operations.previewDraft({ draft: { file } }))) as Preview
    expect(preview).toMatchObject({
      issue: { feedKey, newsletter: 'Tide tables', number: 1, title: 'Tide', verified: false },
      dateFrom: 'head',
    })
    expect(preview.issue.attachments.map((it) => it.name)).toEqual([
      'tide.png',
      'noise.jpg',
      'old.tiff',
    ])
    expect(findingsOf(preview)).toEqual([
      'future-date 3',
      'head 4',
      'missing-file 7',
      'large-picture 7',
      'unshown-picture 7',
      'dead-link 9',
      'dropped-html 9',
      'remote-picture 11',
      'unshown-picture ',
    ])
    const name = 'tide.png'
    const bytes = Buffer.concat(await all(operations.readDraftFile({ draft: { file }, name })))
    expect(bytes).toEqual(PNG)
    await expectFailure('ISSUE_NOT_FOUND', operations.readDraftFile({ draft: { file }, name: 'a' }))
  })

  it('shows a draft as a newer edition of an issue, and says where the text is the same', async () => {
    const { operations } = await openWithNewsletter(subject)
    for (const markdown of ['# One\n\nOne.\n', '# Two\n\nTwo.\n'])
      await all(operations.publishIssue({ draft: { markdown } }))
    const look = async (markdown: string) =>
      single(await all(operations.previewDraft({ draft: { markdown }, amends: 1 }))) as Preview
    const changed = await look('# One\n\nOne and a half.\n')
    expect([changed.issue.number, changed.findings]).toEqual([1, []])
    const same = await look('# One\n\nOne.\n')
    expect(same.findings).toMatchObject([{ message: 'The text is the same as before.', number: 1 }])
    const other = await look('# Two\n\nTwo.\n')
    expect(other.findings).toMatchObject([{ message: 'The same text is issue 2 already: Two.' }])
  })

  it('says which issue the same text is already, and publishes a file twice only when told to', async () => {
    const { operations } = await openWithNewsletter(subject)
    const file = join(await temporaryDirectory(), 'tide.md')
    await writeFile(file, '# Tide\n\nHigh.\n')
    await all(operations.publishIssue({ draft: { file } }))
    const preview = single(await all(operations.previewDraft({ draft: { file } }))) as Preview
    expect(preview.findings).toMatchObject([{ kind: 'duplicate', number: 1 }])
    expect(preview.issue.number).toBe(2)
    await expectFailure('INVALID_INPUT', operations.publishIssue({ draft: { file } }))
    const again = await all(operations.publishIssue({ draft: { file }, again: true }))
    expect(again).toMatchObject([{ event: 'published', number: 2 }])
  })

  it('refuses to publish what its name dates in the future, unless told to', async () => {
    const { operations } = await openWithNewsletter(subject)
    const file = join(await temporaryDirectory(), '2999-01-05-tide.md')
    await writeFile(file, '# Tide\n\nHigh.\n')
    await expectFailure('INVALID_DRAFT', operations.publishIssue({ draft: { file } }))
    const draft = { file, include: ['scheduled' as const] }
    expect(await all(operations.publishIssue({ draft }))).toMatchObject([{ event: 'published' }])
  })

  it('follows a file and its pictures as they change, through what cannot be published', async () => {
    const { operations } = await openWithNewsletter(subject)
    const folder = await temporaryDirectory()
    const file = join(folder, 'tide.md')
    await writeFile(file, '# Tide\n\n![](img/a.png)\n')
    const stop = new AbortController()
    const events = operations.previewDraft(
      { draft: { file }, follow: true },
      { signal: stop.signal },
    )
    const iterator = events[Symbol.asyncIterator]()
    const next = async () => {
      const it = await iterator.next()
      return it.done === true ? undefined : it.value
    }
    expect(findingsOf(await next())).toEqual(['missing-file 3'])
    await mkdir(join(folder, 'img'))
    await writeFile(join(folder, 'img/a.png'), PNG)
    let event = await next()
    while (findingsOf(event).length > 0) event = await next()
    const { revision } = event as Preview
    await writeFile(join(folder, 'img/b.png'), Buffer.concat([PNG, PNG]))
    await rename(join(folder, 'img/b.png'), join(folder, 'img/a.png'))
    // What the first picture changed may be told of more than once.
    do event = await next()
    while ((event as Preview).revision === revision)
    expect((event as Preview).revision).toBeGreaterThan(revision)
    await writeFile(file, '---\ntitle: Tide\n')
    event = await next()
    while (event?.event === 'preview') event = await next()
    expect(event).toMatchObject({ event: 'refused', code: 'INVALID_DRAFT' })
    await writeFile(file, '# Ebb\n\nLow.\n')
    event = await next()
    while (event?.event !== 'preview') event = await next()
    expect(event.issue.title).toBe('Ebb')
    stop.abort()
    await iterator.next().catch(() => undefined)
  })
}
