import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { linkAddresses } from '../../../src/sources/post-links.ts'
import { serviceExport } from '../../../src/sources/services/exports.ts'
import type { ExportOptions } from '../../../src/sources/services/shown-pictures.ts'
import { allOf, entriesIn } from '../../helpers/drafts.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'
import { writeZip } from '../../helpers/zip.ts'

const fixture = (name: string) =>
  fileURLToPath(new URL(`../../../fixtures/imports/${name}`, import.meta.url))
const site: ExportOptions = { siteUrl: 'https://buttondown.com/tides' }
const read = async (path: string, options = site) => allOf(await serviceExport(path, options))

describe('a folder that Buttondown’s command line pulled', () => {
  it('moves in with title, date, summary and pictures, up to its gates', async () => {
    const { drafts } = await read(fixture('buttondown'))
    const draft = drafts.get('https://buttondown.com/tides/archive/spring-tides/')
    expect(draft).toMatchObject({
      title: 'Spring tides',
      publishedAt: '2026-01-01T09:30:00.123Z',
      summary: 'Moon and sun',
      attachments: [{ name: 'media/quay.png', alt: 'The quay' }],
    })
    expect(draft?.markdown.replaceAll(/\n{2,}/g, '\n\n').trim()).toBe(`Dear reader,

High water.

![The quay](../../media/quay.png)

\`{{ code }}\` stays.`)
    expect(drafts.get('buttondown-b2')).toMatchObject({
      title: 'Fancy',
      markdown: 'Rich **text**.\n\n![Quay](media/quay.png)\n',
      attachments: [{ name: 'media/quay.png' }],
    })
  })

  it('links its posts to each other, and reads the editor in the head', async () => {
    const folder = await temporaryDirectory()
    await mkdir(join(folder, 'emails'))
    await writeFile(join(folder, 'newsletter.json'), '{"username": "tides"}')
    const mail = (slug: string, text: string, head = '') =>
      writeFile(
        join(folder, `emails/${slug}.md`),
        `---\nid: ${slug}\nsubject: S\nstatus: sent\nslug: ${slug}\npublish_date: 2026-01-01\n${head}---\n${text}`,
      )
    await mail(
      'a',
      '[b](https://buttondown.email/tides/archive/b/#c), [b][1], `[b](/archive/b)`\n\n[1]: /archive/b',
    )
    await mail('b', '<p>Rich <b>text</b></p>', 'editor_mode: fancy\n')
    const { drafts } = await read(folder, {})
    expect(drafts.get('https://buttondown.com/tides/archive/b/')?.markdown).toBe('Rich **text**\n')
    const found = [...drafts].map(([origin, draft]) => ({ origin, draft }))
    const to = 'https://buttondown.com/tides/archive/b/'
    expect(linkAddresses(found)[0]?.draft.markdown).toBe(
      `[b](${to}#c), [b][1], \`[b](/archive/b)\`\n\n[1]: ${to}`,
    )
  })

  it('shows the pictures that were pulled, wherever the mail shows them', async () => {
    const folder = await temporaryDirectory()
    const online = 'https://assets.buttondown.email/images/quay.png'
    await mkdir(join(folder, 'emails'))
    await mkdir(join(folder, 'media'))
    await writeFile(join(folder, 'media/quay.png'), 'picture')
    await writeFile(join(folder, 'newsletter.json'), '{"username": "tides"}')
    const synced = {
      a: { localPath: 'media/quay.png', url: online },
      b: { localPath: '../x', url: 1 },
    }
    await writeFile(join(folder, '.buttondown.json'), JSON.stringify({ syncedImages: synced }))
    const mail = (slug: string, image: string, text: string) =>
      writeFile(
        join(folder, `emails/${slug}.md`),
        `---\nid: ${slug}\nsubject: S\nstatus: sent\nimage: ${image}\npublish_date: 2026-01-01\n---\n${text}`,
      )
    await mail(
      'a',
      '../media/quay.png',
      `<img src="${online}?w=960" alt="x"> ![](../media/quay.png)`,
    )
    await mail('b', online, '<!-- buttondown-editor-mode: fancy --><p>Text.</p>')
    const { drafts } = await read(folder, {})
    expect([...drafts.values()]).toMatchObject([
      {
        markdown: '<img src="../media/quay.png" alt="x"> ![](../media/quay.png)',
        attachments: [{ name: 'media/quay.png' }],
      },
      { markdown: '![](media/quay.png)\n\nText.\n', attachments: [{ name: 'media/quay.png' }] },
    ])
  })

  it('leaves out what is not known to be public', async () => {
    const { drafts, skipped } = await read(fixture('buttondown'))
    expect(drafts.size).toBe(2)
    const reasons = Object.fromEntries([...skipped].map(([key, it]) => [key, it.message]))
    expect(reasons).toEqual({
      'buttondown-closed':
        'a mail whose archival mode is "enabled_for_paid_subscribers"; --include private publishes it',
      'buttondown-draft': 'a mail of the status "draft"; --include drafts publishes it',
      'buttondown-flight': 'a mail of the status "in_flight"; --include drafts publishes it',
      'buttondown-nostatus': 'a mail of no status; --include drafts publishes it',
      'buttondown-premium': 'a mail of the type "premium"; --include private publishes it',
      'buttondown-private': 'a mail of the type "private"; --include private publishes it',
      'buttondown-scheduled': 'a mail that is scheduled; --include scheduled publishes it',
    })
    expect(JSON.stringify([...drafts])).not.toMatch(/secret/i)
  })
})

describe('an export of Buttondown’s site', () => {
  it('moves in as a zip file and as a folder: what has a date that is past', async () => {
    const folder = fixture('buttondown-web')
    const zip = join(await temporaryDirectory(), 'x.zip')
    await writeZip(zip, await entriesIn(folder))
    for (const path of [zip, folder]) {
      const { drafts, skipped } = await read(path)
      expect([...drafts.values()]).toMatchObject([
        { title: 'Web one', markdown: 'Text of the *web* export.\n' },
      ])
      expect([...skipped.values()].map((it) => it.message)).toEqual([
        'a mail that is scheduled; --include scheduled publishes it',
        'a mail of the type "premium"; --include private publishes it',
        'a mail without a date; --include drafts publishes it',
        'There is no emails/lost.md in the export.',
      ])
    }
  })
})

describe('a Beehiiv export', () => {
  it('moves in: the post out of the mail, its tags, original pictures and links without traces', async () => {
    const { drafts, skipped } = await read(join(fixture('beehiiv'), 'beehiiv-posts.csv'), {})
    expect([...drafts]).toMatchObject([
      [
        'https://tides.beehiiv.com/p/spring',
        {
          title: 'Spring tides',
          publishedAt: '2026-01-01T09:30:00.000Z',
          summary: 'Moon & sun',
          tags: ['tides', 'moon'],
          markdown: `![](https://media.beehiiv.com/uploads/asset/cover.png)

High water. [Table](https://example.org/a?b=1)

![Quay](https://media.beehiiv.com/uploads/asset/file/quay.png)
`,
        },
      ],
    ])
    expect([...skipped.values()].map((it) => it.message)).toEqual([
      'a post of the status "draft"; --include drafts publishes it',
      'a post for "All premium subscribers", not for everybody; --include private publishes it',
      'a post for "both", not for everybody; --include private publishes it',
      'an archived post; --include private publishes it',
    ])
  })
})
