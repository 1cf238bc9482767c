import { mkdir, rename, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { all, expectFailure, only, single } from '../helpers/operations.ts'
import { publish } from '../helpers/peers.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { open, openWithNewsletter, type Subject } from './subject.ts'

const GHOST = fileURLToPath(new URL('../../fixtures/imports/ghost', import.meta.url))

/** `create`, `publish` and `import`. */
export function publishingTests(subject: Subject): void {
  it('creates a public newsletter whose link is its feed key', async () => {
    const operations = await open(subject)
    const created = await operations.createNewsletter({
      title: 'Tide tables',
      description: 'When the quay is wet.',
      language: 'en',
      authors: [{ name: 'Marit Solberg', url: 'https://example.org/marit' }],
      website: 'https://example.org/tides',
      license: 'CC-BY-4.0',
    })
    expect(created.link).toBe(`hyperletter://${created.feedKey}`)
    expect(created.recoveryPhrase.split(' ')).toHaveLength(24)
    expect(await operations.listNewsletters({})).toStrictEqual([
      {
        feedKey: created.feedKey,
        link: created.link,
        title: 'Tide tables',
        description: 'When the quay is wet.',
        roles: ['author'],
        issues: 0,
        unread: 0,
        private: false,
      },
    ])
  })

  it('creates a private newsletter whose link carries the key to read it', async () => {
    const operations = await open(subject)
    const { feedKey, link } = await operations.createNewsletter({ title: 'Us', private: true })
    expect(link).toMatch(new RegExp(`^hyperletter://${feedKey}#[a-z0-9]{52}$`))
    await publish(operations, '# Only for us\n')
    expect(single(await operations.listNewsletters({}))).toMatchObject({ link, private: true })
    expect(await operations.readIssue({ newsletter: 'Us' })).toMatchObject({
      title: 'Only for us',
      verified: true,
    })
  })

  it('publishes a file with its pictures and warns of one that is missing, by line', async () => {
    const { operations, feedKey } = await openWithNewsletter(subject)
    const folder = await temporaryDirectory()
    const file = join(folder, '2026-03-20-spring-tide.md')
    await writeFile(join(folder, 'tide.png'), 'a picture')
    await writeFile(file, '# Spring tide\n\n![The tide](tide.png)\n\n![Gone](gone.png)\n')
    const events = await all(operations.publishIssue({ draft: { file } }))
    expect(single(only(events, 'warning')).warning.line).toBe(5)
    expect(single(only(events, 'published'))).toStrictEqual({
      event: 'published',
      feedKey,
      number: 1,
      title: 'Spring tide',
      publishedAt: '2026-03-20T00:00:00.000Z',
      attachments: 1,
      copies: 0,
    })
  })

  it('publishes text, and finds its pictures in the folder that is named', async () => {
    const { operations } = await openWithNewsletter(subject)
    const folder = await temporaryDirectory()
    await writeFile(join(folder, 'tide.png'), 'a picture')
    const markdown = '# Spring tide\n\n![](tide.png)\n'
    const found = await all(operations.publishIssue({ draft: { markdown, folder } }))
    const missing = await all(operations.publishIssue({ draft: { markdown } }))
    expect(found).toMatchObject([{ event: 'published', number: 1, attachments: 1 }])
    expect(missing).toMatchObject([
      { event: 'warning' },
      { event: 'published', number: 2, attachments: 0 },
    ])
  })

  it('numbers issues that are published at the same moment one after the other', async () => {
    const { operations, feedKey } = await openWithNewsletter(subject)
    const titles = Array.from({ length: 12 }, (_, i) => `Flood ${i}`)
    const published = await Promise.all(titles.map((it) => publish(operations, `# ${it}\n`)))
    const numbers = published.map((it) => it.number).toSorted((a, b) => a - b)
    expect(numbers).toStrictEqual(titles.map((_, i) => i + 1))
    const listed = await operations.listIssues({ newsletter: feedKey })
    expect(new Set(listed.map((it) => it.title))).toStrictEqual(new Set(titles))
  })

  it('ends with TIMEOUT when the copies that were asked for do not come', async () => {
    const { operations } = await openWithNewsletter(subject)
    const draft = { markdown: '# Alone\n' }
    const seen: string[] = []
    const publishing = async () => {
      for await (const it of operations.publishIssue({
        draft,
        waitCopies: 1,
        timeoutSeconds: 0.3,
      })) {
        seen.push(it.event)
      }
    }
    await expectFailure('TIMEOUT', publishing())
    expect(seen).toStrictEqual(['published', 'copies'])
    expect(await operations.readIssue({ newsletter: 'Tide tables' })).toMatchObject({ number: 1 })
  })

  it('rehearses the publication of one file, and publishes nothing', async () => {
    const { operations, feedKey } = await openWithNewsletter(subject)
    const folder = await temporaryDirectory()
    const file = join(folder, '2026-03-20-tide.md')
    await writeFile(join(folder, 'tide.png'), 'a picture')
    await writeFile(
      file,
      '# Tide\n\n![The tide](tide.png)\n\n![Gone](gone.png) <script></script>\n',
    )
    const events = await all(operations.publishIssue({ draft: { file }, dryRun: true }))
    expect(only(events, 'warning').map((it) => [it.warning.kind, it.warning.line])).toEqual([
      ['missing-file', 5],
      ['dropped-html', 5],
      ['unshown-picture', undefined],
    ])
    expect(single(only(events, 'planned'))).toMatchObject({
      feedKey,
      number: 1,
      title: 'Tide',
      publishedAt: '2026-03-20T00:00:00.000Z',
      dateFrom: 'name',
      attachments: [{ name: 'tide.png', sizeBytes: 9 }],
    })
    expect(events).toHaveLength(4)
    expect(await operations.listIssues({ newsletter: feedKey })).toStrictEqual([])
  })

  it('publishes what is marked as not for everybody only if it is included', async () => {
    const { operations, feedKey } = await openWithNewsletter(subject)
    const folder = await temporaryDirectory()
    await Promise.all(['drafts', '_includes'].map((name) => mkdir(join(folder, name))))
    const files = {
      '_includes/a.md': 'templates',
      'README.md': 'extras',
      'b.md': 'private',
    } as const
    await writeFile(join(folder, 'drafts/c.md'), '# C\n')
    for (const [name, kind] of Object.entries(files)) {
      const file = join(folder, name)
      await writeFile(file, `---\ntitle: ${name}\nprivate: ${name === 'b.md'}\n---\nText.\n`)
      const refused = await expectFailure(
        'INVALID_DRAFT',
        operations.publishIssue({ draft: { file } }),
      )
      expect(refused.hint).toContain(`--include ${kind}`)
      await all(operations.publishIssue({ draft: { file, include: [kind] } }))
    }
    const draft = { file: join(folder, 'drafts/c.md') }
    const events = await all(operations.publishIssue({ draft }))
    expect(single(only(events, 'warning')).warning.message).toContain('"drafts"')
    expect(await operations.listIssues({ newsletter: feedKey })).toHaveLength(4)
  })

  it('publishes a dated text a second time only if it is asked to', async () => {
    const { operations, feedKey } = await openWithNewsletter(subject)
    const file = join(await temporaryDirectory(), '2026-03-20-tide.md')
    await writeFile(file, '# Tide\n')
    const draft = { file }
    await all(operations.publishIssue({ draft }))
    const refused = await expectFailure('INVALID_INPUT', operations.publishIssue({ draft }))
    expect(refused.message).toContain('issue 1')
    await all(operations.publishIssue({ draft, again: true }))
    await writeFile(file, '# Tide\n\nMore.\n')
    await all(operations.publishIssue({ draft }))
    expect(await operations.listIssues({ newsletter: feedKey })).toHaveLength(3)
  })

  it('imports a folder in order of date, and says of each file that is skipped why', async () => {
    const { operations, feedKey } = await openWithNewsletter(subject)
    const folder = await draftFolder()
    const events = await all(operations.importFolder({ folder }))
    const skipped = only(events, 'skipped')
    expect(new Set(skipped.map((it) => it.file))).toStrictEqual(
      new Set(['broken.md', 'empty.md', 'lost.md', 'not-text.md', 'notes.rst']),
    )
    expect(skipped.every((it) => it.code === 'INVALID_DRAFT' && it.message !== '')).toBe(true)
    expect(events.at(-1)).toStrictEqual({
      event: 'finished',
      feedKey,
      title: 'Tide tables',
      published: 3,
    })
    const progress = only(events, 'progress').map(({ done, total }) => [done, total])
    expect(progress[0]).toStrictEqual([0, 3])
    expect(progress.at(-1)).toStrictEqual([3, 3])
    const listed = await operations.listIssues({ newsletter: feedKey })
    expect(listed.map((it) => it.title)).toStrictEqual(['Third', 'Second', 'First'])
  })

  it('imports what a service exported, and nothing of it twice', async () => {
    const { operations, feedKey } = await openWithNewsletter(subject)
    const input = { folder: GHOST, siteUrl: 'https://tides.example' }
    const rehearsal = await all(operations.importFolder({ ...input, dryRun: true }))
    const planned = only(rehearsal, 'planned').map(({ title, attachments }) => [
      title,
      attachments.length,
    ])
    expect(planned).toStrictEqual([
      ['From the old editor', 1],
      ['Spring tides & neap tides', 2],
      ['Neap', 1],
    ])
    const events = await all(operations.importFolder(input))
    expect(events.at(-1)).toMatchObject({ event: 'finished', published: 3 })
    expect(only(events, 'skipped')).toHaveLength(9)
    const again = await all(operations.importFolder(input))
    expect(again.at(-1)).toMatchObject({ event: 'finished', published: 0 })
    const issue = await operations.readIssue({ newsletter: feedKey, number: 2 })
    expect(issue.authors).toStrictEqual([{ name: 'Mara Hollis' }, { name: 'Ada Quay' }])
  })

  it('rehearses an import: the same order, titles, dates and reasons, and publishes nothing', async () => {
    const { operations, feedKey } = await openWithNewsletter(subject)
    const folder = await draftFolder()
    await publish(operations, '# Before\n')
    const rehearsal = await all(operations.importFolder({ folder, dryRun: true }))
    expect(rehearsal.at(-1)).toMatchObject({ event: 'finished', published: 0 })
    const newsletter = feedKey
    expect(await operations.listIssues({ newsletter })).toHaveLength(1)

    const events = await all(operations.importFolder({ folder }))
    expect(only(rehearsal, 'skipped')).toStrictEqual(only(events, 'skipped'))
    expect(only(rehearsal, 'warning')).toStrictEqual(only(events, 'warning'))
    const listed = await operations.listIssues({ newsletter })
    expect(
      only(rehearsal, 'planned').map(({ number, title, publishedAt }) => ({
        number,
        title,
        publishedAt,
      })),
    ).toStrictEqual(
      listed
        .slice(0, -1)
        .toReversed()
        .map(({ number, title, publishedAt }) => ({ number, title, publishedAt })),
    )
    expect(only(rehearsal, 'planned')[0]).toMatchObject({
      file: 'late/2026-01-01-first.md',
      dateFrom: 'name',
    })
  })

  it('publishes nothing twice when the same folder is imported again', async () => {
    const { operations, feedKey } = await openWithNewsletter(subject)
    const folder = await draftFolder()
    await all(operations.importFolder({ folder }))
    await writeFile(join(folder, '2026-01-04-fourth.md'), '# Fourth\n')
    const events = await all(operations.importFolder({ folder }))
    expect(events.at(-1)).toMatchObject({ event: 'finished', published: 1 })
    expect(only(events, 'skipped')).toHaveLength(8)
    expect(await operations.listIssues({ newsletter: feedKey })).toHaveLength(4)
  })

  it('knows a post again in a folder below or above, under another name, and published by itself', async () => {
    const { operations } = await openWithNewsletter(subject)
    const folder = await temporaryDirectory()
    const post = (name: string, text: string) => writeFile(join(folder, name), text)
    await mkdir(join(folder, '2020'))
    await mkdir(join(folder, '2021'))
    await post('2020/01.md', '---\ntitle: January\ndate: 2020-01-01\n---\nNeap.\n')
    await post('2020/note.md', 'No date and no title here.\n')
    await post('2021/01.md', '---\ntitle: January\ndate: 2021-01-01\n---\nSpring.\n')
    await all(operations.publishIssue({ draft: { file: join(folder, '2020/01.md') } }))
    const imported = async (below: string) => {
      const events = await all(operations.importFolder({ folder: join(folder, below) }))
      return single(only(events, 'finished')).published
    }
    expect(await imported('2020')).toBe(1)
    // The same path in another folder, with the same title.
    expect(await imported('2021')).toBe(1)
    expect(await imported('.')).toBe(0)
    await rename(join(folder, '2020/01.md'), join(folder, '2020/january.md'))
    await rename(join(folder, '2020/note.md'), join(folder, '2020/words.md'))
    expect(await imported('2020')).toBe(0)
    // A post that repeats every month is new each time; two files with the same post are one.
    await post('2021/02.md', '---\ntitle: January\ndate: 2021-02-01\n---\nSpring.\n')
    await post('2021/copy.md', '---\ntitle: January\ndate: 2021-02-01\n---\nSpring.\n')
    expect(await imported('.')).toBe(1)
  })

  it('amends what changed if it is asked to, and says so otherwise', async () => {
    const { operations, feedKey } = await openWithNewsletter(subject)
    const folder = await temporaryDirectory()
    const file = join(folder, 'neap.md')
    const text = (title: string, words: string) =>
      `---\ntitle: ${title}\ndate: 2020-01-01\ntags: [tides]\n---\nOne.\n\n${words}\n\nThree.\n`
    await writeFile(file, text('Neap', 'Two.'))
    await all(operations.importFolder({ folder }))
    await writeFile(file, text('Neap tide', 'Six.'))
    const told = await all(operations.importFolder({ folder }))
    expect(single(only(told, 'skipped')).message).toMatch(/issue 1, and changed since; --amend/)
    const rehearsal = await all(operations.importFolder({ folder, amend: true, dryRun: true }))
    expect(single(only(rehearsal, 'planned'))).toMatchObject({ number: 1, amends: true })
    const events = await all(operations.importFolder({ folder, amend: true }))
    expect(single(only(events, 'amended'))).toMatchObject({ file: 'neap.md', number: 1 })
    expect(single(only(events, 'finished'))).toMatchObject({ published: 0, amended: 1 })
    const issue = await operations.readIssue({ newsletter: feedKey })
    expect(issue).toMatchObject({ number: 1, title: 'Neap tide', editions: 2 })
    expect(issue.markdown).toContain('Six.')
    const again = await all(operations.importFolder({ folder, amend: true }))
    expect(single(only(again, 'finished'))).not.toHaveProperty('amended')

    await operations.retractIssue({ newsletter: feedKey, number: 1 })
    const after = await all(operations.importFolder({ folder, amend: true }))
    expect(single(only(after, 'skipped')).message).toMatch(/issue 1, which was retracted/)
  })

  it('imports only the files that match', async () => {
    const { operations } = await openWithNewsletter(subject)
    const folder = await draftFolder()
    const events = await all(operations.importFolder({ folder, match: '2026-01-02-*.md' }))
    expect(events.at(-1)).toMatchObject({ event: 'finished', published: 1 })
    expect(await operations.readIssue({ newsletter: 'Tide tables' })).toMatchObject({
      title: 'Second',
    })
  })

  it('fails with INVALID_INPUT for a folder that does not exist', async () => {
    const { operations } = await openWithNewsletter(subject)
    const folder = join(await temporaryDirectory(), 'nowhere')
    await expectFailure('INVALID_INPUT', operations.importFolder({ folder }))
  })
}

/** Three good drafts, not in the order of their names alone, and five files that cannot be published. */
async function draftFolder(): Promise<string> {
  const folder = await temporaryDirectory()
  await mkdir(join(folder, 'late'))
  await Promise.all([
    writeFile(join(folder, '2026-01-02-second.md'), '# Second\n'),
    writeFile(join(folder, 'late', '2026-01-01-first.md'), '# First\n'),
    writeFile(join(folder, '2026-01-03-third.md'), '# Third\n'),
    writeFile(join(folder, 'broken.md'), '---\ntitle: [\n---\ntext\n'),
    writeFile(join(folder, 'empty.md'), ''),
    writeFile(join(folder, 'not-text.md'), Buffer.from([0x23, 0x20, 0xff, 0x0a])),
    symlink(join(folder, 'nowhere.md'), join(folder, 'lost.md')),
    writeFile(join(folder, 'notes.rst'), 'Notes\n=====\n'),
  ])
  return folder
}
