import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { serviceExport } from '../../../src/sources/services/exports.ts'
import { renderWordpress } from '../../../src/sources/services/wordpress-text.ts'
import type { ExportOptions } from '../../../src/sources/services/shown-pictures.ts'
import { allOf, entriesIn } from '../../helpers/drafts.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'
import { writeZip } from '../../helpers/zip.ts'

const folder = fileURLToPath(new URL('../../../fixtures/imports/wordpress', import.meta.url))
const file = join(folder, 'tides.WordPress.2026-03-01.xml')
const read = async (path = file, options: ExportOptions = {}) =>
  allOf(await serviceExport(path, options))

async function changed(change: (xml: string) => string | Buffer): Promise<string> {
  const path = join(await temporaryDirectory(), 'export.xml')
  await writeFile(path, change(await readFile(file, 'utf8')))
  return path
}

describe('a WordPress export', () => {
  it('keeps the language of a block of code', () => {
    const text =
      '<!-- wp:code {"x":1,"language":"php"} -->\n<pre class="wp-block-code"><code>a</code></pre>\n<!-- /wp:code -->'
    const context = { id: '1', attachments: new Map(), blocks: new Map(), isOpen: false }
    expect(renderWordpress(text, context).html).toContain(
      '<pre><code class="language-php">a</code></pre>',
    )
  })

  it('moves in with title, date, author, terms, excerpt, pictures, shared blocks and footnotes', async () => {
    const { drafts } = await read()
    expect(drafts.get('https://tides.example/2026/01/neap-spring/')).toMatchObject({
      title: 'Neap & spring',
      publishedAt: '2026-01-05T08:00:00.000Z',
      summary: 'Why <b>moon</b> and sun agree.',
      authors: [{ name: 'Mara Hollis' }],
      tags: ['Tides', 'moon'],
      language: 'en-GB',
      markdown: `![](https://tides.example/wp-content/uploads/2026/01/moon.png)

Low water ]]> at **noon**[^n1].

![The quay](https://tides.example/wp-content/uploads/2026/01/quay.png)

*By Ada*

A shared block.

<https://video.example/1>

Before the wall.

[^n1]: At the *gauge*.
`,
    })
  })

  it('renders texts of the classic editor, with their shortcodes', async () => {
    const { drafts } = await read()
    const draft = drafts.get('https://tides.example/2026/01/classic/')
    expect(draft).toMatchObject({
      publishedAt: '2012-06-01T11:00:00.000Z',
      authors: [{ name: 'Ada Quay' }],
      markdown: `First line\\
second line

Second paragraph with \\[sic] and \\[gallery].

![](https://tides.example/wp-content/uploads/2026/01/quay.png)

*The __quay__*

![Quay](https://tides.example/wp-content/uploads/2026/01/quay.png)

*The quay at dawn*

![](https://tides.example/wp-content/uploads/2026/01/moon.png)

<https://video.example/2>

\`\`\`
keep

this
\`\`\`
`,
    })
    expect(draft?.warnings.map((it) => it.message)).toEqual([
      'The post has a local date only; the zone of other posts counts.',
      'Shortcodes that are not known are left out: contact-form-7, members_only.',
      '2 pictures stay on the web; --fetch-pictures takes them along.',
    ])
  })

  it('makes files of pictures that stand in the text, and none of place holders', async () => {
    const picture = Buffer.alloc(400, 'tide')
    const pixel = '<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">'
    const data = `${pixel}<img src="data:image/png;base64,${picture.toString('base64')}" alt="Quay">`
    const address = /<img src="[^"]*quay\.png" alt="" \/>/
    const { drafts } = await read(await changed((xml) => xml.replace(address, data)))
    const { markdown = '', attachments = [] } =
      drafts.get('https://tides.example/2026/01/classic/') ?? {}
    const [shown] = attachments
    const { name = '', alt } = shown ?? {}
    expect(name).toMatch(/^embedded-/)
    expect(alt).toBe('Quay')
    expect(markdown).toContain(`![Quay](${name})`)
    expect(Buffer.from((await shown?.open()) ?? []).equals(picture)).toBe(true)
    expect(attachments).toHaveLength(1)
  })

  it('leaves out what is not known to be public, and all that readers wrote', async () => {
    const { drafts, skipped } = await read()
    expect([...skipped.values()].map((it) => it.message)).toEqual([
      'a post of the status "draft"; --include drafts publishes it',
      'a private post; --include private publishes it',
      'a post that a password protects; --include private publishes it',
      'a post that is scheduled; --include scheduled publishes it',
      'a post for subscribers, not for everybody; --include private publishes it',
      'an item of the type "page", not a post; --include extras publishes it',
      'an item of the type "product", not a post; --include extras publishes it',
      'a post of the status "trash"; --include drafts publishes it',
    ])
    expect(JSON.stringify([...drafts])).not.toMatch(/secret|@/i)
  })

  it('takes what subscribers see when asked to', async () => {
    const { drafts } = await read(file, { include: new Set(['private']) })
    expect(drafts.size).toBe(5)
    const text = drafts.get('https://tides.example/2026/01/neap-spring/')?.markdown
    expect(text).toMatch(/Premium secret[^]*Behind the wall[^]*\[\^n2]: Secret note/)
  })

  it('keeps code that looks like HTML, links players, and leaves out what a plugin restricts', async () => {
    const text = (code: string) => (xml: string) =>
      xml.replace('Second paragraph', `${code}\n\nSecond paragraph`)
    const code =
      '[code lang="php"]\n\n  <?php echo 1; ?>\n[/code] [youtube https://www.youtube.com/watch?v=a]'
    const { drafts } = await read(await changed(text(code)))
    const markdown = drafts.get('https://tides.example/2026/01/classic/')?.markdown
    expect(markdown).toContain('```php\n  <?php echo 1; ?>\n```')
    expect(markdown).toContain('<https://www.youtube.com/watch?v=a>')
    const meta =
      '<wp:postmeta><wp:meta_key>_members_access_role</wp:meta_key><wp:meta_value>member</wp:meta_value></wp:postmeta>'
    const restricted = await read(
      await changed((xml) => xml.replaceAll('<wp:status>', `${meta}<wp:status>`)),
    )
    expect(restricted.drafts.size).toBe(0)
  })

  it('links a file once, and by its button where it has no name', async () => {
    const button = (name: string) =>
      `<a href="https://x.example/${name}.pdf" class="wp-block-file__button wp-element-button" download>Download</a>`
    const text = `<a href="https://x.example/a.pdf">A table</a>${button('a')}<br>${button('b')}\n\nSecond paragraph`
    const { drafts } = await read(await changed((xml) => xml.replace('Second paragraph', text)))
    expect(drafts.get('https://tides.example/2026/01/classic/')?.markdown).toContain(
      '[A table](https://x.example/a.pdf)\\\n[Download](https://x.example/b.pdf)\n',
    )
  })

  it('is the same as a folder and as a zip file', async () => {
    const expected = JSON.stringify([...(await read()).drafts])
    expect(JSON.stringify([...(await read(folder)).drafts])).toBe(expected)
    const zip = join(await temporaryDirectory(), 'x.zip')
    await writeZip(zip, await entriesIn(folder, 'export/'))
    expect(JSON.stringify([...(await read(zip)).drafts])).toBe(expected)
  })

  it('reads control characters away, and the encoding that the file says', async () => {
    const path = await changed((xml) =>
      Buffer.from(
        xml.replace('UTF-8', 'windows-1252').replace('A shared', '\u0093A\u000b shared\u0094'),
        'latin1',
      ),
    )
    expect(
      (await read(path)).drafts.get('https://tides.example/2026/01/neap-spring/')?.markdown,
    ).toContain('“A shared” block')
  })

  it.each([
    ['cut off', (xml: string) => xml.slice(0, xml.length / 2)],
    ['of tags that do not match', (xml: string) => xml.replace('</item>', '</post>')],
    ['of too many levels', (xml: string) => xml.replace('<item>', '<a>'.repeat(1_000))],
    [
      'with entities that multiply',
      (xml: string) =>
        xml
          .replace('<rss', '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><rss')
          .replace('<description></description>', '<description>&b;</description>'),
    ],
  ])('is refused %s', async (_, change) => {
    await expect(read(await changed(change))).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  })
})
