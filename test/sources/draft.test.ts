import {
  copyFile,
  mkdir,
  mkdtemp,
  rm,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FileIndex, parseDraft, readDraft } from '../../src/sources/markdown-file.ts'
import type { WithheldKind } from '../../src/sources/source.ts'
import {
  MAX_ATTACHMENT_BYTES,
  MAX_ATTACHMENTS,
  MAX_BODY_BYTES,
} from '../../src/format/records/bodies.ts'

const fixtures = join(import.meta.dirname, '../../fixtures')
const draftFile = (name: string) => join(fixtures, 'drafts', name)
const newsletterFile = (name: string) => join(fixtures, 'newsletters', name)

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'draft-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

async function written(name: string, text: string | Buffer): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, text)
  return path
}

describe('readDraft', () => {
  it('reads texts of all lengths whole, several at a time', async () => {
    const lengths = [1, 10, 65_535, 65_536, 65_537, 200_000]
    const texts = lengths.map((length, at) => String(at).repeat(length))
    const paths = await Promise.all(texts.map((text, at) => written(`${at}.md`, text)))
    const drafts = await Promise.all(paths.map((path) => readDraft(path)))
    expect(drafts.map(({ markdown }) => markdown)).toEqual(texts)
  })

  it('makes files of pictures that stand in the text', async () => {
    const png = Buffer.alloc(3 * 1024 * 1024, 'tide')
    const url = `data:image/png;base64,${png.toString('base64')}`
    const path = await written(
      'doc.md',
      `# Doc\n\n![low][image1] ![late](${url})\n\n<img alt=svg src="data:image/svg+xml,%3Csvg/%3E">\n\n\`![a](data:image/png;base64,eA)\` ![b](data:image/png;base64,!)\n\n[image1]: <${url}>\n`,
    )
    const { markdown, attachments, warnings } = await readDraft(path)
    const [name = ''] = attachments.map((it) => it.name)
    expect(name).toMatch(/^embedded-[\da-f]{12}\.png$/)
    expect(markdown).toContain(`![low][image1] ![late](${name})`)
    expect(markdown).toContain(`[image1]: <${name}>`)
    expect(markdown).toContain('`![a](data:image/png;base64,eA)`')
    expect(attachments.map((it) => it.mediaType)).toEqual(['image/png', 'image/svg+xml'])
    expect(Buffer.from((await attachments[0]?.open()) ?? []).equals(png)).toBe(true)
    expect(warnings.map(({ kind, line }) => ({ kind, line }))).toEqual([
      { kind: 'large-picture', line: 3 },
      { kind: 'missing-file', line: 7 },
    ])
  })

  it('reads an issue with a YAML head and its picture', async () => {
    const path = newsletterFile('tide-tables/02-a-lazy-week.md')
    const draft = await readDraft(path)
    expect(draft).toMatchObject({
      title: 'A lazy week',
      authors: [{ name: 'Marit Solberg' }, { name: 'Jonas Achterberg' }],
      tags: ['tides', 'rule of twelfths'],
      language: 'en',
      publishedAt: '2026-03-27T06:30:00.000Z',
      dateFrom: 'head',
      warnings: [],
      attachments: [
        {
          name: 'images/neap-tide.png',
          mediaType: 'image/png',
          alt: 'The tide at the quay at neaps: two low, gentle waves',
          sizeBytes: readFileSync(newsletterFile('tide-tables/images/neap-tide.png')).length,
        },
      ],
    })
    expect(Buffer.from((await draft.attachments[0]?.open()) ?? [])).toEqual(
      readFileSync(newsletterFile('tide-tables/images/neap-tide.png')),
    )
    expect(readFileSync(path, 'utf8').endsWith(`---\n\n${draft.markdown}`)).toBe(true)
  })

  it('reads a TOML head', async () => {
    expect(await readDraft(newsletterFile('field-notes/2026-05-04-wegrand.md'))).toMatchObject({
      title: 'Am Wegrand',
      summary: 'Drei Pflanzen, die niemand gesät hat.',
      authors: [
        { name: 'Käthe Brunnhuber' },
        { name: 'Ömer Yıldız', url: 'https://example.org/oemer' },
      ],
      tags: ['Pflanzen', 'Frühling'],
      language: 'de',
      publishedAt: '2026-05-04T05:00:00.000Z',
      declaredNumber: 1,
    })
  })

  it('reads a plain head', async () => {
    expect(await readDraft(newsletterFile('field-notes/asa-no-kawa.md'))).toMatchObject({
      title: '朝の川',
      summary: '橋の下で見たカワセミと、 雨のあとの水の色。',
      authors: [{ name: '早川 みどり' }],
      tags: ['川', '鳥'],
      language: 'ja',
      publishedAt: '2026-05-10T21:10:00.000Z',
      declaredNumber: 2,
    })
  })

  it('takes title and date from heading and file time where there is no head', async () => {
    const path = await written(
      'neem.md',
      readFileSync(newsletterFile('field-notes/neem-ka-ped.md')),
    )
    await utimes(path, 0, Date.UTC(2026, 4, 18) / 1_000)
    const draft = await readDraft(path)
    expect(draft).toMatchObject({
      title: 'नीम का पेड़',
      publishedAt: '2026-05-18T00:00:00.000Z',
      dateFrom: 'file',
    })
    expect(Buffer.from(draft.markdown)).toEqual(readFileSync(path))
  })

  it('drops a byte order mark and keeps CRLF', async () => {
    const draft = await readDraft(draftFile('windows.md'))
    expect(draft).toMatchObject({ title: 'From Windows', markdown: 'Lines end\r\nin CRLF.\r\n' })
  })

  it('publishes text between thematic breaks whole', async () => {
    const draft = await readDraft(draftFile('thematic-break.md'))
    expect(draft.title).toBe('Thematic break')
    expect(Buffer.from(draft.markdown)).toEqual(readFileSync(draftFile('thematic-break.md')))
  })

  it('accepts control characters other than NUL in the body', async () => {
    const draft = await readDraft(await written('a.md', '# A\n\nx\u0002y\n'))
    expect(draft.markdown).toBe('# A\n\nx\u0002y\n')
  })

  it.each([
    ['broken-yaml.md', 'Line 4'],
    ['broken-toml.md', 'Line 3'],
    ['not-utf8.md', 'Line 4: The file is not UTF-8: byte 45'],
    ['utf-16.md', 'UTF-16'],
    ['binary.md', 'Line 4: The file is binary, not text: byte 30'],
    ['unclosed-head.md', 'Line 1'],
    ['impossible-date.md', 'Line 2'],
    ['unfinished.md', 'Line 3'],
    ['alias-bomb.md', 'head'],
    ['empty.md', 'empty'],
    ['empty-body.md', 'empty'],
    ['images', 'folder'],
    ['nowhere.md', 'no file'],
    ['empty.md/beyond.md', 'no file'],
  ])('refuses %s and says where', async (name, words) => {
    const draft = readDraft(draftFile(name))
    await expect(draft).rejects.toMatchObject({ code: 'INVALID_DRAFT' })
    await expect(draft).rejects.toThrow(words)
  })

  it.each([
    ['control-character-title.md', 2],
    ['image-outside.md', 5],
    ['image-outside-encoded.md', 3],
    ['image-absolute.md', 3],
  ])('leaves out what cannot be kept of %s, and warns', async (name, line) => {
    const { attachments, title, warnings } = await readDraft(draftFile(name))
    expect({ attachments, lines: warnings.map((it) => it.line) }).toEqual({
      attachments: [],
      lines: [line],
    })
    expect(title).not.toMatch(/\p{C}/u)
  })

  it('refuses a file that is too large without reading it', async () => {
    const path = await written('huge.md', '')
    await truncate(path, 2 ** 40)
    await expect(readDraft(path)).rejects.toMatchObject({ code: 'TOO_LARGE' })
  })

  it('accepts the longest body and refuses one byte more', async () => {
    const longest = 'é'.repeat(MAX_BODY_BYTES / 2)
    expect((await readDraft(await written('a.md', `Title: x\n\n${longest}`))).markdown).toBe(
      longest,
    )
    const path = await written('b.md', `Title: x\n\n${longest}.`)
    await expect(readDraft(path)).rejects.toMatchObject({ code: 'TOO_LARGE' })
  })

  it('refuses what cannot be read or is no regular file', async () => {
    await symlink('circle.md', join(folder, 'circle.md'))
    for (const path of [join(folder, 'circle.md'), join(folder, 'x'.repeat(300)), '/dev/null']) {
      await expect(readDraft(path)).rejects.toMatchObject({ code: 'INVALID_DRAFT' })
    }
  })

  describe('images', () => {
    it('finds each picture once, whatever way it is named, and none in code', async () => {
      const { attachments, warnings } = await readDraft(draftFile('images.md'))
      expect(attachments.map((it) => it.name)).toEqual(['images/tide.png'])
      expect(warnings).toEqual([])
    })

    it('warns of a missing image with its line in the file', async () => {
      const draft = await readDraft(draftFile('image-missing.md'))
      expect(draft.attachments).toEqual([])
      expect(draft.warnings).toMatchObject([{ line: 8 }])
    })

    it('takes along files that it links to or plays, but no pages and nothing hidden', async () => {
      for (const name of ['a.pdf', 'b.mp3', 'c.mp4', 'd.png', '.e.pdf', 'f.md', 'g.html'])
        await written(name, 'x')
      const text =
        '# A\n\n[a](a.pdf#2) <audio src="b.mp3"></audio> ![c](c.mp4) [![d](d.png)](d.png) [e](.e.pdf) [f](f.md) [g](g.html) [h](h.pdf)'
      const { attachments, links = [] } = await readDraft(await written('z.md', text))
      expect(attachments.map(({ name, mediaType }) => [name, mediaType])).toEqual([
        ['a.pdf', 'application/pdf'],
        ['b.mp3', 'audio/mpeg'],
        ['c.mp4', 'video/mp4'],
        ['d.png', 'image/png'],
      ])
      expect(links.map((it) => it.target)).toEqual(['.e.pdf', 'f.md', 'g.html', 'h.pdf'])
      expect(
        links.every(
          ({ place = { start: 0, end: 0 }, target }) =>
            text.slice(place.start, place.end) === target,
        ),
      ).toBe(true)
    })

    it('warns of pictures that browsers do not show, and of large ones', async () => {
      await written('a.heic', 'x')
      await written('b.jxl', 'x')
      await written('c.jpg', 'x'.repeat(2 * 1024 * 1024 + 1))
      await written('d.png', 'x')
      const text = '# A\n\n![a](a.heic)\n\n![b](b.jxl) ![c](c.jpg) ![d](d.png)'
      const { attachments, warnings } = await readDraft(await written('z.md', text))
      expect(attachments).toHaveLength(4)
      expect(
        warnings.map(({ line, message }) => `${line}: ${message.split(/[,;]/, 1)[0]}`),
      ).toEqual([
        '3: The image "a.heic" is HEIC',
        '5: The image "b.jxl" is JXL',
        '5: The image "c.jpg" has 2.0 MiB',
      ])
    })

    it('finds files below the root of a site, by their name alone, and in any case and normal form', async () => {
      await mkdir(join(folder, 'static/img'), { recursive: true })
      await mkdir(join(folder, 'content/posts'), { recursive: true })
      for (const name of ['static/img/a.png', 'static/img/B.PNG', 'static/img/u\u0308.png'])
        await written(name, 'x')
      const root = join(folder, 'content/posts')
      const path = await written(
        'content/posts/z.md',
        '# A\n\n![](/img/a.png) ![](../../static/img/a.png)',
      )
      expect((await readDraft(path, { root })).attachments).toEqual([])
      const { attachments } = await readDraft(path, { root, siteRoot: folder })
      expect(attachments.map((it) => it.name)).toEqual(['img/a.png', 'static/img/a.png'])
      const other = await written(
        'content/posts/y.md',
        '# A\n\n![[a.png]] ![](/static/img/b.png) ![](/static/img/ü.png)',
      )
      const found = await readDraft(other, { root: folder, index: new FileIndex(folder) })
      expect(found.attachments.map((it) => it.name)).toEqual([
        'a.png',
        'static/img/b.png',
        'static/img/ü.png',
      ])
    })

    it('takes a path that leaves the folder for one from its root, as browsers do', async () => {
      await mkdir(join(folder, 'images'))
      await written('images/a.png', 'x')
      const path = await written('a.md', '# A\n\n![](../images/a.png) ![](../../images/a.png)')
      const { attachments, warnings } = await readDraft(path)
      expect([attachments.map((it) => it.name), warnings]).toEqual([['images/a.png'], []])
    })

    it('decodes percent signs and accepts names in any script', async () => {
      await copyFile(draftFile('images/tide.png'), join(folder, 'hohe flut 潮.png'))
      const path = await written(
        'a.md',
        '# A\n\n![](hohe%20flut%20潮.png) ![x](<hohe flut 潮.png>)',
      )
      const { attachments } = await readDraft(path)
      expect(attachments.map((it) => it.name)).toEqual(['hohe flut 潮.png'])
      expect(attachments[0]).not.toHaveProperty('alt')
    })

    it('leaves behind a link that leaves the folder, to a file or a folder, and what is no file', async () => {
      await mkdir(join(folder, 'letters'))
      await written('secret.png', 'secret')
      await symlink('../secret.png', join(folder, 'letters', 'a.png'))
      await symlink('..', join(folder, 'letters', 'up'))
      await mkdir(join(folder, 'letters', 'images'))
      for (const name of ['a.png', 'up/secret.png', 'images']) {
        const draft = await readDraft(await written('letters/a.md', `# A\n\n![x](${name})`))
        expect(draft).toMatchObject({
          attachments: [],
          warnings: [{ kind: 'missing-file', line: 3 }],
        })
        expect(draft.warnings[0]?.message).toContain(name)
      }
    })

    it('follows a link that stays in the folder', async () => {
      await copyFile(draftFile('images/tide.png'), join(folder, 'tide.png'))
      await symlink('tide.png', join(folder, 'latest.png'))
      const { attachments } = await readDraft(await written('a.md', '# A\n\n![x](latest.png)'))
      expect(attachments).toHaveLength(1)
    })

    it('says which picture is gone when it is opened', async () => {
      await copyFile(draftFile('images/tide.png'), join(folder, 'tide.png'))
      const { attachments } = await readDraft(await written('a.md', '# A\n\n![x](tide.png)'))
      await rm(join(folder, 'tide.png'))
      const opened = attachments[0]?.open()
      await expect(opened).rejects.toMatchObject({ code: 'INVALID_DRAFT' })
      await expect(opened).rejects.toThrow('tide.png')
    })

    it.each([
      ['an empty file', '![x](empty.png)'],
      ['a file over the limit', '![x](huge.png)'],
      ['a file by its URL', '![x](file:///etc/hostname)'],
      ['a name with a line break', '![x](a%0Ab.png)'],
      ['a name with NUL', '![x](a%00b.png)'],
      ['a name with a colon', '![x](./a:b.png)'],
    ])('warns of %s, which stays behind', async (_, markdown) => {
      await written('empty.png', '')
      await truncate(await written('huge.png', ''), MAX_ATTACHMENT_BYTES + 1)
      const draft = await readDraft(await written('a.md', `# A\n\n${markdown}`))
      expect(draft).toMatchObject({ attachments: [], warnings: [{ line: 3 }] })
      expect(draft.warnings[0]?.message).not.toMatch(/\p{C}/u)
    })

    it('warns of more pictures than an issue holds, and takes the first', async () => {
      const names = Array.from({ length: MAX_ATTACHMENTS + 1 }, (_, i) => `${i}.png`)
      for (const name of names) await written(name, 'x')
      const text = `# A\n\n${names.map((it) => `![x](${it})`).join('\n')}`
      const { attachments, warnings } = await readDraft(await written('a.md', text))
      expect(attachments.map((it) => it.name)).toEqual(names.slice(0, MAX_ATTACHMENTS))
      expect(warnings).toMatchObject([{ line: MAX_ATTACHMENTS + 3 }])
    })
  })
})

describe('parseDraft', () => {
  const now = new Date('2026-03-01T00:00:00Z')

  it('dates text from a pipe to now and finds its images in the given folder', async () => {
    const draft = await parseDraft('# A\n\n![x](images/tide.png)', { folder: draftFile('.'), now })
    expect(draft).toMatchObject({ dateFrom: 'now', publishedAt: now.toISOString() })
    expect(draft.attachments).toHaveLength(1)
  })

  it('warns of images that a pipe cannot bring', async () => {
    const draft = await parseDraft('# A\n\n![x](images/tide.png)')
    expect(draft).toMatchObject({ attachments: [], warnings: [{ line: 3 }] })
  })

  it.each([
    ['NUL', '# A\n\0', 'INVALID_DRAFT'],
    ['half a character', '# A\n\ud800', 'INVALID_DRAFT'],
    ['no title', 'Some text.', 'INVALID_DRAFT'],
    ['only white space', '\ufeff \r\n\t', 'INVALID_DRAFT'],
    ['too much', 'x'.repeat(MAX_BODY_BYTES + 65 * 1024), 'TOO_LARGE'],
  ])('refuses text with %s', async (_, text, code) => {
    await expect(parseDraft(text)).rejects.toMatchObject({ code })
  })

  it.each([
    ['title', 'x'.repeat(257), { title: `${'x'.repeat(255)}…` }],
    ['title', '"a\\nb"', { title: 'a b' }],
    ['summary', 'x'.repeat(4_097), { summary: `${'x'.repeat(4_095)}…` }],
    ['language', 'not a language', { title: 'A' }],
    ['tags', `[${'x'.repeat(129)}, tides]`, { tags: ['tides'] }],
    ['tags', `[${Array.from({ length: 70 }, (_, i) => i).join()}]`, { tags: { length: 64 } }],
    ['authors', '[Ann, {url: "https://example.org"}, "\\a"]', { authors: [{ name: 'Ann' }] }],
  ])('keeps what can be kept of a bad %s', async (name, value, expected) => {
    const draft = await parseDraft(`---\nkey: x\n${name}: ${value}\n---\n# A`)
    expect(draft).toMatchObject({ ...expected, warnings: [{ line: 3 }] })
  })

  it.each([
    ['date', 'tomorrow'],
    ['date', '[2026]'],
  ])('refuses a bad %s', async (name, value) => {
    const text = `---\nkey: x\n${name}: ${value}\n---\n# A`
    await expect(parseDraft(text)).rejects.toMatchObject({ code: 'INVALID_DRAFT' })
    await expect(parseDraft(text)).rejects.toThrow(/^Line 3: .*/)
  })

  it.each<[WithheldKind, string]>([
    ['drafts', 'draft: true'],
    ['drafts', 'draft: on'],
    ['drafts', 'published: 0'],
    ['drafts', 'publish: false'],
    ['drafts', 'dg-publish: false'],
    ['drafts', 'Status: draft'],
    ['drafts', 'status: pending'],
    ['drafts', 'status: needs review'],
    ['drafts', 'is-draft: 1'],
    ['drafts', 'extra: {draft: true}'],
    ['drafts', 'draft: “true”'],
    ['drafts', 'publish: later'],
    ['drafts', 'tags: [boats, status/draft]'],
    ['drafts', 'draft: oui'],
    ['drafts', 'drafts: true'],
    ['drafts', 'status: [draft]'],
    ['drafts', 'wp_status: draft'],
    ['drafts', 'finished: no'],
    ['drafts', 'brouillon: true'],
    ['drafts', 'estado: borrador'],
    ['private', 'tiers: [paid]'],
    ['private', 'routable: false'],
    ['private', 'protect: logged_in'],
    ['drafts', 'veröffentlicht: nein'],
    ['private', 'seo: {noindex: true}'],
    ['private', 'access: {site.login: true}'],
    ['scheduled', 'date: {created: 2999-01-01}'],
    ['private', 'for: members'],
    ['private', 'requires: login'],
    ['private', 'listing: false'],
    ['scheduled', 'release: 2999-05-05'],
    ['expired', 'unpublish: 2019-01-01'],
    ['private', 'members-only: true'],
    ['private', 'isPublished: true\nis_private: true'],
    ['private', 'permalink: false'],
    ['private', 'audience: only_free'],
    ['private', 'private: true'],
    ['private', 'hidden: yes'],
    ['private', 'status: private'],
    ['private', 'status: hidden'],
    ['private', 'visibility: paid'],
    ['private', 'visibility: members'],
    ['private', 'password: secret'],
    ['private', 'audience: only_paid'],
    ['private', 'access: members'],
    ['private', '_build: {render: never}'],
    ['private', 'eleventyExcludeFromCollections: true'],
    ['scheduled', 'status: scheduled'],
    ['scheduled', 'date: 2999-01-01'],
    ['scheduled', 'pub_date: 2999-01-01'],
    ['scheduled', 'published_at: 2999-01-01'],
    ['scheduled', 'date: 2020-01-01\nembargoUntil: 2999-01-01'],
    ['expired', 'expires_on: 2020-01-01'],
    ['expired', 'archived: true'],
    ['extras', 'excalidraw-plugin: parsed'],
    ['scheduled', 'date: 2020-01-01\npublishDate: 2999-01-01T09:00:00Z'],
    ['expired', 'expiryDate: 2020-01-01'],
    ['drafts', 'output: false'],
    ['drafts', 'published_at: null'],
    ['drafts', 'explicit_publish: no'],
    ['drafts', 'email_status: draft'],
    ['private', 'robots: [noindex]'],
    ['private', 'meta:\n  - name: robots\n    content: noindex'],
    ['private', 'head:\n  - [meta, {name: robots, content: "noindex, follow"}]'],
    ['private', 'discoverable: false'],
    ['private', 'exclude_from_feed: true'],
    ['private', 'archival_mode: disabled'],
    ['private', 'email_type: premium'],
    ['private', 'tiers: [gold]'],
    ['private', 'is_free: false'],
    ['extras', 'post_type: revision'],
    ['extras', 'post_type: nav_menu_item'],
    ['extras', 'post_type: page'],
    ['scheduled', 'date: 2020-01-01\npublish_after: 2999-01-01'],
    ['expired', 'deleted_at: 2020-01-01'],
  ])('refuses as %s what says "%s"', async (kind, field) => {
    const text = `---\ntitle: A\n${field}\n---\nText.`
    await expect(parseDraft(text)).rejects.toMatchObject({
      code: 'INVALID_DRAFT',
      hint: expect.stringContaining(`--include ${kind}`) as unknown,
    })
    const path = await written('a.md', text)
    expect(await readDraft(path, { include: new Set([kind]) })).toMatchObject({ title: 'A' })
  })

  it.each([
    'visibility: public',
    'status: "✅ Published"',
    'published: true',
    'draft: false',
    'status: published',
    'status: evergreen',
    'type: review',
    'state: California',
    'publish: 2020-01-01',
    'audience: beginners',
    'access: free',
    'status: published ✅',
    'draft: []',
    'hide: [toc]',
    'level: beginner',
    'password: false',
    'published: true\npublished_at:',
    'post_type: post',
    'tiers: [free, all]',
    'meta:\n  - name: robots\n    content: index',
    'archival_mode: enabled',
  ])('publishes what says "%s"', async (field) => {
    expect(await parseDraft(`---\n${field}\n---\n# A`)).toMatchObject({ title: 'A' })
  })

  it.each([
    ['author: Doe, Jane', { authors: [{ name: 'Doe, Jane' }] }],
    ['authors: Ann, Bo', { authors: [{ name: 'Ann' }, { name: 'Bo' }] }],
    ['author: Ann <ann@example.org>', { authors: [{ name: 'Ann' }] }],
    [
      'author: {name: Ann, url: "https://example.org", email: a@example.org}',
      { authors: [{ name: 'Ann', url: 'https://example.org' }] },
    ],
    ['keywords: a; b, a', { tags: ['a', 'b, a'] }],
    ['category: Week, one', { tags: ['Week, one'] }],
    ['categories: [boats, tides]\ntags: "#moon"', { tags: ['moon', 'boats', 'tides'] }],
    ['taxonomies: {tags: [boats], categories: [sea]}', { tags: ['boats', 'sea'] }],
    ['lang: pt_BR', { language: 'pt-BR' }],
    ['issue: "#12"', { declaredNumber: 12 }],
    ['description: |\n  one\n  two', { summary: 'one\ntwo' }],
    ['pubDate: Sat, 07 Mar 2026 18:46:00 +0100', { publishedAt: '2026-03-07T17:46:00.000Z' }],
    ['author: {display_name: Ann, login: ann}', { authors: [{ name: 'Ann' }] }],
    ['authors: [{name: Ann, url: /about}]', { authors: [{ name: 'Ann' }] }],
    ['tags: [{name: tides}, sea]', { tags: ['tides', 'sea'] }],
    ['lang: en_US.UTF-8', { language: 'en-US' }],
    ['title: A\ntitle: B', { title: 'B' }],
    ['publishDate: 2019-03-04T10:00:00Z', { publishedAt: '2019-03-04T10:00:00.000Z' }],
    ['path: /2019/10/15/flood/', { publishedAt: '2019-10-15T00:00:00.000Z', dateFrom: 'head' }],
    ['published: true', { dateFrom: 'now' }],
    ['date: Last Modified', { dateFrom: 'now' }],
    ['created: none', { dateFrom: 'now' }],
    ['date: {created: 2023-12-31}', { publishedAt: '2023-12-31T00:00:00.000Z' }],
    ['date: “2023-12-31”', { publishedAt: '2023-12-31T00:00:00.000Z' }],
    ['Published-Date: 2023-12-31', { publishedAt: '2023-12-31T00:00:00.000Z' }],
    ['categories: [[sea, boats], [moon]]', { tags: ['sea', 'boats', 'moon'] }],
    ['taxonomy: {tag: [boats]}\ntags: post', { tags: ['boats'] }],
    ['draft: false', { title: 'A' }],
    ['locale: fr_CA', { language: 'fr-CA' }],
    ['byline: Ann', { authors: [{ name: 'Ann' }] }],
    ['tags: [a, null, ~]', { tags: ['a'] }],
    ['tags: {topic: [a, b], place: c}', { tags: ['a', 'b', 'c'] }],
    ['abstract: In short', { summary: 'In short' }],
    [
      'author: {name: Ann, homepage: https://ann.example}',
      { authors: [{ name: 'Ann', url: 'https://ann.example' }] },
    ],
  ])('reads %s', async (field, expected) => {
    expect(await parseDraft(`---\n${field}\n---\n# A`, { now })).toMatchObject(expected)
  })

  it('reads the lines of Pandoc, and what stands below the version of YAML', async () => {
    const pandoc = '% The ebb:\n  a tale\n% Ann; Bo\n  Cy\n% March 3, 2019\n\nText.'
    expect(await parseDraft(pandoc, { now })).toMatchObject({
      title: 'The ebb: a tale',
      authors: [{ name: 'Ann' }, { name: 'Bo' }, { name: 'Cy' }],
      publishedAt: '2019-03-03T00:00:00.000Z',
      markdown: 'Text.',
    })
    const versioned = '%YAML 1.2\n---\ntitle: x\ndraft: true\n---\nText.'
    await expect(parseDraft(versioned)).rejects.toThrow('Line 4: The head says')
  })

  it('takes the first day where only a month is said, and warns', async () => {
    expect(await parseDraft('---\ndate: March 2019\n---\n# A')).toMatchObject({
      publishedAt: '2019-03-01T00:00:00.000Z',
      dateFrom: 'head',
      warnings: [{ message: 'The date says no day; 2019-03-01 counts.', line: 2 }],
    })
    expect(await parseDraft('# A', { name: '2019/03/a.md' })).toMatchObject({
      publishedAt: '2019-03-01T00:00:00.000Z',
      dateFrom: 'name',
      warnings: [{ message: expect.stringContaining('only a month') as string }],
    })
  })

  it('shortens a heading that is too long for a title, and warns', async () => {
    const { title, warnings } = await parseDraft(`# ${'x'.repeat(300)}\n\nText.`)
    expect(title).toBe(`${'x'.repeat(255)}…`)
    expect(warnings).toMatchObject([{ line: 1 }])
  })

  it('prefers the head over the name and the name over the time', async () => {
    const name = '2020-11-4-letter.md'
    expect(await parseDraft('Title: x\nDate: 2026-03-01\n\ny', { name })).toMatchObject({
      dateFrom: 'head',
    })
    expect(await parseDraft('y', { name })).toMatchObject({
      title: 'Letter',
      dateFrom: 'name',
      publishedAt: '2020-11-04T00:00:00.000Z',
    })
  })

  it('warns when a text begins much like a head', async () => {
    const draft = await parseDraft('Title: x\nbut then prose\n\n# A', { now })
    expect(draft).toMatchObject({ title: 'A', warnings: [{ line: 1 }] })
  })
})
