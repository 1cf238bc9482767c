import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { serviceExport } from '../../../src/sources/services/exports.ts'
import type { ExportOptions } from '../../../src/sources/services/shown-pictures.ts'
import { allOf, entriesIn } from '../../helpers/drafts.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'
import { writeZip } from '../../helpers/zip.ts'

const folder = fileURLToPath(new URL('../../../fixtures/imports/substack', import.meta.url))
const site: ExportOptions = { siteUrl: 'https://tides.substack.com' }

async function zipped(prefix = ''): Promise<string> {
  return writeZip(join(await temporaryDirectory(), 'x.zip'), await entriesIn(folder, prefix))
}

const read = async (path: string, options = site) => allOf(await serviceExport(path, options))

describe('a Substack export', () => {
  it('moves in with title, date, subtitle, original pictures, embeds and footnotes', async () => {
    const { drafts } = await read(await zipped())
    const draft = drafts.get('https://tides.substack.com/p/spring-tides')
    expect(draft).toMatchObject({
      title: 'Spring tides',
      publishedAt: '2026-01-01T09:30:00.000Z',
      summary: 'Why moon & sun agree',
    })
    expect(draft?.markdown).toBe(`### High water

The moon, says Ada Quay, pulls[^1].

![The moon](https://substack-post-media.s3.amazonaws.com/public/images/moon.png)

*Seen at dawn*

<https://www.youtube.com/watch?v=abc_1>

$$a_1 < b$$

![](https://substack-post-media.s3.amazonaws.com/public/images/g1.png)

[^1]: By *gravity*.
`)
    const podcast = drafts.get('https://tides.substack.com/p/listen')
    expect(podcast?.markdown).toBe(
      '[Listen](https://api.substack.example/feed/102.mp3)\n\nNotes of the talk.\n',
    )
  })

  it('leaves out what is not known to be public, and all that it tells of readers', async () => {
    const { drafts, skipped } = await read(await zipped())
    expect(drafts.size).toBe(2)
    expect([...skipped.values()].map((it) => it.message)).toEqual([
      'a post for "only_paid", not for everyone; --include private publishes it',
      'a draft; --include drafts publishes it',
      'a post of the type "adhoc_email"; --include private publishes it',
      'a page, not a post; --include extras publishes it',
      'The export has no text of this post.',
      'a post for "founding", not for everyone; --include private publishes it',
      'a text that posts.csv does not name; nobody knows whether it is public',
    ])
    expect(JSON.stringify([...drafts])).not.toMatch(/secret|@|subscribe/i)
  })

  it('is the same in a folder of the zip file, and unpacked', async () => {
    const expected = JSON.stringify([...(await read(await zipped())).drafts])
    expect(JSON.stringify([...(await read(await zipped('export/'))).drafts])).toBe(expected)
    expect(JSON.stringify([...(await read(folder)).drafts])).toBe(expected)
  })

  it('takes what subscribers see when asked to', async () => {
    const { drafts } = await read(await zipped(), { ...site, include: new Set(['private']) })
    expect(drafts.size).toBe(5)
    expect([...drafts.values()][0]?.markdown).toContain('Behind the paywall')
  })

  it('keeps the descriptions and the caption of a gallery', async () => {
    const home = await temporaryDirectory()
    const head = 'post_id,post_date,is_published,type,audience,title\n'
    await writeFile(join(home, 'posts.csv'), `${head}1.a,2026-01-01,true,newsletter,everyone,A\n`)
    await mkdir(join(home, 'posts'))
    const images = [
      { src: 'https://x.example/1.png' },
      { src: 'https://x.example/2.png', alt: 'Low' },
    ]
    const gallery = JSON.stringify({ gallery: { images, alt: 'Tide', caption: 'High & low' } })
    const attributes = gallery.replaceAll('&', '&amp;').replaceAll('"', '&quot;')
    const text = `<div class="image-gallery-embed" data-attrs="${attributes}"></div>`
    await writeFile(join(home, 'posts/1.a.html'), text)
    const { drafts } = await read(home)
    expect([...drafts.values()][0]?.markdown).toBe(
      '![Tide](https://x.example/1.png)![Low](https://x.example/2.png)\n\n*High & low*\n',
    )
  })

  it('is refused where its list is no CSV', async () => {
    const home = await temporaryDirectory()
    await writeFile(join(home, 'posts.csv'), 'post_id,title\n1,"no end')
    await expect(read(home)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  })
})
