import { mkdir, readFile, truncate, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { serviceExport } from '../../../src/sources/services/exports.ts'
import type { ExportOptions } from '../../../src/sources/services/shown-pictures.ts'
import { allOf, entriesIn } from '../../helpers/drafts.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'
import { writeZip } from '../../helpers/zip.ts'

const folder = fileURLToPath(new URL('../../../fixtures/imports/ghost', import.meta.url))
const json = 'tide-tables.ghost.2026-03-01-10-00-00.json'
const site: ExportOptions = { siteUrl: 'https://tides.example' }

const read = async (path: string, options = site) => allOf(await serviceExport(path, options))

describe('a Ghost export', () => {
  it('moves in with title, date, authors, tags, excerpt, pictures and links', async () => {
    const { drafts } = await read(folder)
    const draft = drafts.get('https://tides.example/spring-tides/')
    expect(draft).toMatchObject({
      title: 'Spring tides & neap tides',
      publishedAt: '2026-01-01T09:30:00.000Z',
      summary: 'Why the moon & the sun agree.',
      authors: [{ name: 'Mara Hollis' }, { name: 'Ada Quay' }],
      tags: ['tides', 'moon'],
      attachments: [
        { name: 'images/2026/01/cover.png', alt: 'Waves' },
        { name: 'images/2026/01/harbour.png', mediaType: 'image/png', alt: 'The harbour' },
      ],
    })
    expect(draft?.markdown).toBe(`![Waves](images/2026/01/cover.png)

*Photo: Ada*

High water at **noon**.

![The harbour](images/2026/01/harbour.png)

*The harbour at [neap](https://tides.example/neap/)*

See you.
`)
    const picture = Buffer.from((await draft?.attachments[1]?.open()) ?? [])
    expect(picture.subarray(1, 4).toString()).toBe('PNG')
    expect(picture.includes('GPSLatitude')).toBe(false)
  })

  it('reads posts of both editors that have no HTML', async () => {
    const { drafts } = await read(folder)
    expect(drafts.get('https://tides.example/neap/')?.markdown).toBe(`Low ***water***\\
[spring tides](https://tides.example/spring-tides/)

- one
  1. inner

![Quay](images/2026/01/harbour.png)

*The quay*

\`\`\`js
a < b
\`\`\`
`)
    expect(drafts.get('https://tides.example/old-editor/')?.markdown).toBe(`## Ebb

**Bold** and [a link](https://example.org/a?b=1\\&c=2)\\
below

- first
- second

![](images/2026/01/harbour.png)

*Old*

A *card*.
`)
  })

  it('takes sound, films and files of the site along', async () => {
    const home = await temporaryDirectory()
    const names = ['media/2026/song.mp3', 'media/2026/film.mp4', 'files/2026/chart.pdf']
    for (const name of names) {
      await mkdir(join(home, 'content', dirname(name)), { recursive: true })
      await writeFile(join(home, 'content', name), 'bytes')
    }
    const html = `<div class="kg-card kg-audio-card"><div class="kg-audio-player-container"><audio src="__GHOST_URL__/content/media/2026/song.mp3"></audio><div class="kg-audio-title">The song</div><div class="kg-audio-player"><span>0:00</span></div></div></div>
<figure class="kg-card kg-video-card"><div class="kg-video-container"><video src="__GHOST_URL__/content/media/2026/film.mp4"></video></div></figure>
<div class="kg-card kg-file-card"><a class="kg-file-card-container" href="__GHOST_URL__/content/files/2026/chart.pdf"><div class="kg-file-card-title">Chart</div><div class="kg-file-card-caption">of depths</div><div class="kg-file-card-metadata">1 KB</div></a></div>`
    const row = { id: '1', slug: 'a', title: 'A', status: 'published', published_at: '2026-01-01' }
    const data = { posts: [{ ...row, html }] }
    await writeFile(join(home, json), JSON.stringify({ db: [{ meta: {}, data }] }))
    const draft = (await read(join(home, json))).drafts.get('https://tides.example/a/')
    expect(draft?.markdown).toBe(`[song.mp3](media/2026/song.mp3)

The song

[film.mp4](media/2026/film.mp4)

[Chart of depths](files/2026/chart.pdf)
`)
    expect(draft?.attachments.map((it) => [it.name, it.mediaType])).toEqual([
      ['media/2026/song.mp3', 'audio/mpeg'],
      ['media/2026/film.mp4', 'video/mp4'],
      ['files/2026/chart.pdf', 'application/pdf'],
    ])
  })

  it('takes neither an empty audience nor a date in the future for public', async () => {
    const home = await temporaryDirectory()
    const post = { title: 'A', status: 'published', html: '<p>Text.</p>' }
    const posts = [
      { ...post, slug: 'a', published_at: '2026-01-01', visibility: null },
      { ...post, slug: 'b', published_at: '2999-01-01', visibility: 'public' },
      { ...post, slug: 'c', published_at: '2026-01-01', visibility: 'public', page: 1 },
    ]
    const list = { type: 'list', listType: 'number', start: 3 }
    const item = { type: 'listitem', children: [{ type: 'text', text: 'Three' }] }
    const root = { children: [{ ...list, children: [item] }] }
    const lexical = JSON.stringify({ root })
    const numbered = { ...post, slug: 'd', published_at: '2026-01-01', html: null, lexical }
    const data = { posts: [...posts, numbered] }
    await writeFile(join(home, json), JSON.stringify({ db: [{ meta: {}, data }] }))
    const { drafts, skipped } = await read(join(home, json))
    expect([...skipped.values()].map((it) => it.message.split(';')[1])).toEqual([
      ' --include private publishes it',
      ' --include scheduled publishes it',
      ' --include extras publishes it',
    ])
    expect([...drafts.values()].map((it) => it.markdown)).toEqual(['3. Three\n'])
  })

  it('leaves out what is not known to be public, and says why', async () => {
    const { drafts, skipped } = await read(folder)
    expect(drafts.size).toBe(3)
    const reasons = [...skipped.values()].map((it) => it.message)
    expect(reasons).toEqual([
      'a draft; --include drafts publishes it',
      'a post that is scheduled; --include scheduled publishes it',
      'a post that was only sent by mail; --include private publishes it',
      'a post for members, not for everybody; --include private publishes it',
      'a post for tiers, not for everybody; --include private publishes it',
      'a page, not a post; --include extras publishes it',
      'a post that was only sent by mail; --include private publishes it',
      'a post of the status "archived"; --include drafts publishes it',
      'The post has no date.',
    ])
    const texts = [...drafts.values()].map((it) => JSON.stringify(it)).join('')
    expect(texts).not.toMatch(/secret|gated|Hey|Sign up|alert/i)
  })

  it('takes what members see when asked to', async () => {
    const { drafts } = await read(folder, { ...site, include: new Set(['private']) })
    expect(drafts.size).toBe(7)
    const open = drafts.get('https://tides.example/spring-tides/')
    expect(open?.markdown).toContain('the secret sandbank')
    expect(open?.attachments.map((it) => it.name)).toContain('images/2026/01/secret.png')
  })

  it('is the same as a zip file, with and without a folder in it, and as the JSON file', async () => {
    const expected = JSON.stringify([...(await read(folder)).drafts])
    const home = await temporaryDirectory()
    for (const prefix of ['', 'site/']) {
      const entries = [
        { name: '__MACOSX/._x.json', data: '{"db":[{"meta":1' },
        ...(await entriesIn(folder, prefix)),
      ]
      const zip = await writeZip(join(home, 'export.zip'), entries)
      const source = await serviceExport(zip, site)
      const { drafts } = await allOf(source)
      expect(JSON.stringify([...drafts])).toBe(expected)
      const first = [...drafts.values()][0]?.attachments[0]
      expect((await first?.open())?.byteLength).toBeGreaterThan(100)
      await source?.close?.()
    }
    expect(JSON.stringify([...(await read(join(folder, json))).drafts])).toBe(expected)
  })

  it('names pictures that the export does not have, and those that stay on the web', async () => {
    const home = await temporaryDirectory()
    const path = join(home, json)
    await writeFile(path, await readFile(join(folder, json)))
    const { drafts } = await read(path, {})
    const neap = [...drafts.values()].find((it) => it.title === 'Neap')
    expect(neap?.warnings.map((it) => it.message)).toEqual([
      'The picture "/content/images/2026/01/harbour.png" is missing: the export has no such file.',
    ])
    expect(neap?.attachments).toEqual([])
    const onWeb = [...(await read(path)).drafts.values()].find((it) => it.title === 'Neap')
    expect(onWeb?.markdown).toContain('![Quay](https://tides.example/content/images/')
    expect(onWeb?.warnings.map((it) => it.message)).toEqual([
      'A picture stays on the web; --fetch-pictures takes them along.',
    ])
  })

  it('of the first versions has texts in Markdown, and the language of the site', async () => {
    const home = await temporaryDirectory()
    const post = { id: 1, slug: 'a', title: 'A', status: 'published', published_at: 1400000000000 }
    const data = {
      posts: [{ ...post, markdown: '# md\n\n*x*' }],
      settings: [{ key: 'lang', value: 'de' }],
    }
    await writeFile(join(home, json), JSON.stringify({ meta: {}, data }))
    expect((await read(join(home, json))).drafts.get('https://tides.example/a/')).toMatchObject({
      publishedAt: '2014-05-13T16:53:20.000Z',
      language: 'de',
      markdown: '# md\n\n*x*\n',
    })
  })

  it('says which files are too large to travel', async () => {
    const home = await temporaryDirectory()
    await mkdir(join(home, 'content', 'media'), { recursive: true })
    const film = join(home, 'content', 'media', 'film.mp4')
    await writeFile(film, '')
    await truncate(film, 3 * 1024 ** 3)
    const html = '<p><a href="__GHOST_URL__/content/media/film.mp4">Film</a></p>'
    const row = { id: '1', slug: 'a', title: 'A', status: 'published', published_at: '2026-01-01' }
    const data = { posts: [{ ...row, html }] }
    await writeFile(join(home, json), JSON.stringify({ db: [{ meta: {}, data }] }))
    const draft = (await read(join(home, json))).drafts.get('https://tides.example/a/')
    expect(draft?.markdown).toBe('[Film](https://tides.example/content/media/film.mp4)\n')
    expect(draft?.warnings.map((it) => it.message)).toContainEqual(
      expect.stringMatching(/The file "media\/film.mp4" is missing: it has 3221225472 bytes/),
    )
  })

  it.each([0.2, 0.5, 0.99])('is refused when it is cut off at %f of its length', async (share) => {
    const home = await temporaryDirectory()
    const whole = await readFile(join(folder, json))
    const path = join(home, json)
    await writeFile(path, whole.subarray(0, whole.length * share))
    await expect(read(path)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    const zip = await writeZip(join(home, 'x.zip'), await entriesIn(folder))
    const bytes = await readFile(zip)
    await writeFile(zip, bytes.subarray(0, bytes.length * share))
    await expect(read(zip)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  })
})
