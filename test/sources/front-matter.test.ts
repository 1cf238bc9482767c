import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseDraft } from '../../src/sources/markdown-file.ts'
import { MAX_HEAD_BYTES, splitFrontMatter } from '../../src/sources/front-matter.ts'

const HEADS = {
  yaml: '---\ntitle: A title\ntags: [a, b]\n---\n\n',
  'yaml with CRLF': '---\r\ntitle: A title\r\n---\r\n\r\n',
  'yaml closed by dots': '---\ntitle: A title\n...\n\n',
  'empty yaml': '---\n---\n\n',
  toml: '+++\ntitle = "A title"\ndate = 2026-03-01\n+++\n\n',
  plain: 'Title: A title\nDate: 2026-03-01\nRevision range: a..b\n\n',
  pandoc: '% A title\n  of two lines\n% Ann\n% 2026-03-01\n\n',
  'plain with CRLF': 'Title: A title\r\nDate: 2026-03-01\r\n\r\n',
}

const bodies = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 200 }),
  fc
    .array(
      fc.constantFrom(
        '---',
        '+++',
        '...',
        'Title: x',
        '',
        ' ',
        '\r',
        '\n',
        '\r\n',
        '# y',
        'a: b',
        '\u0002',
        '\ufeff',
      ),
      { maxLength: 20 },
    )
    .map((parts) => parts.join('')),
)

describe('splitFrontMatter', () => {
  it.each(Object.entries(HEADS))(
    'gives back any body below a head byte for byte: %s',
    async (_, head) => {
      await fc.assert(
        fc.asyncProperty(bodies, async (body) => {
          expect((await splitFrontMatter(head + body)).body).toBe(body)
        }),
      )
    },
  )

  it('gives back any text without a head byte for byte', async () => {
    await fc.assert(
      fc.asyncProperty(bodies, async (body) => {
        const text = `Dear reader: hello.\n${body}`
        const split = await splitFrontMatter(text)
        expect(split).toMatchObject({ style: 'none', body: text, bodyLine: 1 })
      }),
    )
  })

  it('keeps any body when a whole draft is parsed', async () => {
    // Without a title in the head a heading of the body becomes the title, and may be refused as one.
    const titled = Object.values(HEADS).filter((head) => head.includes('A title'))
    await fc.assert(
      fc.asyncProperty(bodies, fc.constantFrom(...titled), async (body, head) => {
        const text = `Words. ${body}`
        expect((await parseDraft(head + text, { name: 'a.md' })).markdown).toBe(text)
      }),
    )
  })

  it.each([
    ['yaml', '---\nTitle: "A: b"\nTAGS:\n  - x\n  - y\n---\ntext', 'A: b', 6 + 1],
    ['toml', '+++\nTitle = "A: b"\ntags = ["x", "y"]\n+++\n\ntext', 'A: b', 6],
    ['plain', 'Title: A: b\ntags: x, y\n\ntext', 'A: b', 4],
  ])('reads a %s head and counts its lines', async (style, text, title, bodyLine) => {
    const split = await splitFrontMatter(text)
    expect(split).toMatchObject({ style, body: 'text', bodyLine })
    expect(split.fields.get('title')).toMatchObject({
      value: title,
      line: style === 'plain' ? 1 : 2,
    })
    expect(split.fields.has('tags')).toBe(true)
  })

  it('keeps scalars of YAML as they were written', async () => {
    const { fields } = await splitFrontMatter(
      '---\ntitle: 1.10\nnumber: 007\ndate: 2026-03-01\n---\nx',
    )
    expect([...fields.values()].map((it) => it.value)).toEqual(['1.10', '007', '2026-03-01'])
  })

  it.each([
    ['two byte order marks', '\ufeff\ufeff---\ntitle: T\ndraft: true\n---\nText.'],
    ['a zero-width space', '\u200b---\ntitle: T\ndraft: true\n---\nText.'],
    ['a blank line', '\n---\ntitle: T\ndraft: true\n---\nText.'],
    ['a comment', '<!-- lint -->\n---\ntitle: T\ndraft: true\n---\nText.'],
    ['a space', ' ---\ntitle: T\ndraft: true\n---\nText.'],
    ['its language', '---yaml\ntitle: T\ndraft: true\n---\nText.'],
    ['TOML as its language', '---toml\ntitle = "T"\ndraft = true\n---\nText.'],
    ['JSON as its language', '---json\n{"title": "T", "draft": true}\n---\nText.'],
    ['semicolons', ';;;\n{"title": "T", "draft": true}\n;;;\nText.'],
    ['braces', '{\n  "title": "T",\n  "draft": true\n}\n\nText.'],
    ['four dashes', '----\ntitle: T\ndraft: true\n----\nText.'],
    ['a no-break space below its colon', '---\ntitle:\u00a0T\ndraft: true\n---\nText.'],
    ['a comment as its first line', '---\n# lint\nlayout: post\ntitle: T\ndraft: true\n---\nText.'],
    ['all of it indented', '  ---\n  title: T\n  draft: true\n  ---\nText.'],
    ['nothing above, and a list', 'title: T\ntags:\n- a\ndraft: true\n---\nText.'],
    ['a comment around it', '<!--\n.. title: T\n.. draft: true\n-->\nText.'],
    ['two colons', 'title:: T\ndraft:: true\n\nText.'],
    ['lines that end as on an old Mac', '---\rtitle: T\rdraft: true\r---\rText.'],
  ])('reads a head with %s', async (_, text) => {
    const { fields, body } = await splitFrontMatter(text)
    expect(fields.get('title')?.value).toBe('T')
    expect(fields.get('draft')?.value).toBe('true')
    expect(body).toBe('Text.')
  })

  it.each([
    ["'It's a tide'", "It's a tide"],
    ['"He said "now""', 'He said "now"'],
    ['[Wiki] How to', '[Wiki] How to'],
    ['Tides: a list', 'Tides: a list'],
    ['@mara writes', '@mara writes'],
    ['%20 more', '%20 more'],
  ])('takes a title that is not YAML as it stands: %s', async (written, title) => {
    const text = `---\ndraft: true\ntitle: ${written}\nsummary: a: b\n---\nText.`
    const { fields, warnings } = await splitFrontMatter(text)
    expect(fields.get('title')).toStrictEqual({ value: title, line: 3 })
    expect(fields.get('summary')?.value).toBe('a: b')
    expect(fields.get('draft')?.value).toBe('true')
    expect(warnings.map(({ line }) => line)).toStrictEqual([3, 4])
  })

  it.each(['title: "never closed', "title: 'a'\n  b", 'draft: @true', 'title: "a" # b\n  - c'])(
    'refuses a head in which a mistake may hide more: %s',
    async (head) => {
      const failure = splitFrontMatter(`---\n${head}\nstatus: x\n---\nText.`)
      await expect(failure).rejects.toMatchObject({ code: 'INVALID_DRAFT' })
    },
  )

  it('counts lines from the beginning of the file, whatever stands above the head', async () => {
    const text = '<!-- a\nb -->\n\n---\ntitle: T\ndate: soon\n---\n\nText.'
    const { fields, bodyLine } = await splitFrontMatter(text)
    expect({ date: fields.get('date')?.line, bodyLine }).toEqual({ date: 6, bodyLine: 9 })
  })

  it.each([
    ['signs of another kind', '===\ntitle: T\n===\nText.'],
    ['broken braces', '{ "title": "T", \n\nText.'],
    ['a comment above plain fields', '<!-- x -->\nTitle: T\nDraft: true\n\nText.'],
    ['prose among plain fields', 'Title: T\nStatus: draft\nand prose\n\nText.'],
    ['of Logseq in a list', '- title:: T\n  draft:: true\n- Text.'],
    ['between dashes of a word processor', '—\ntitle: T\ndraft: true\n—\nText.'],
    ['as an export', 'export const meta = { draft: true }\n\n# T\n'],
    ['a program in it', '---js\n{ title: "T", draft: true }\n---\nText.'],
    ['a fence of code around it', '```yaml\ntitle: T\ndraft: true\n```\nText.'],
  ])('refuses what looks like a head, with %s', async (_, text) => {
    await expect(splitFrontMatter(text)).rejects.toMatchObject({ code: 'INVALID_DRAFT' })
  })

  it('warns of a title that YAML cuts at a comment', async () => {
    const { fields, warnings } = await splitFrontMatter('---\ndraft: no\ntitle: Issue #4\n---\nx')
    expect([fields.get('title')?.value, warnings.map((it) => it.line)]).toEqual(['Issue', [3]])
  })

  it('reads a head within a comment, also between dashes', async () => {
    const { fields, body } = await splitFrontMatter(
      '<!--\n---\ntitle: A\ndraft: true\n---\n-->\n\nx',
    )
    expect([fields.get('draft'), body]).toEqual([{ value: 'true', line: 4 }, 'x'])
  })

  it.each([
    ['without spaces', '---\ntitle:A\ndraft:true\n---\nx'],
    ['with other colons', '---\ntitle：A\ndraft：true\n---\nx'],
    ['of Org mode', '#+TITLE: A\n#+DRAFT: true\n\nx'],
    ['in a fence', '```meta\ntitle: A\ndraft: true\n```\nx'],
    ['below another one', '---\ntitle: A\n---\n---\ntitle: B\ndraft: true\n---\nx'],
  ])('refuses a head %s', async (_, text) => {
    await expect(splitFrontMatter(text)).rejects.toMatchObject({ code: 'INVALID_DRAFT' })
  })

  it('reads what Notion writes below a heading', async () => {
    const text =
      '# Low water\r\n\r\nOwner: Ann\r\nStatus: Draft\r\nCreated: 2020-03-01\r\n\r\nText.'
    const { fields, ...rest } = await splitFrontMatter(text)
    expect(Object.fromEntries(fields)).toEqual({
      title: { value: 'Low water', line: 1 },
      owner: { value: 'Ann', line: 3 },
      status: { value: 'Draft', line: 4 },
      created: { value: '2020-03-01', line: 5 },
    })
    expect(rest).toMatchObject({ body: 'Text.', bodyLine: 7 })
    await expect(splitFrontMatter('Status: draft\n\nText.')).resolves.toMatchObject({
      body: 'Text.',
    })
  })

  it('joins the continued lines of a plain head', async () => {
    const { fields, body } = await splitFrontMatter('Title: One\n    and two\n\tand three\n\nx')
    expect(fields.get('title')?.value).toBe('One and two and three')
    expect(body).toBe('x')
  })

  it.each([
    ['a thematic break', '---\n\nText.\n\n---\n\nMore.'],
    ['a thematic break and prose with a colon', '---\n\nNote: this is text.\n\n---\n\nMore.'],
    ['a thematic break that is never parted', '---\nText goes on.'],
    ['a setext heading below a break', '---\nA heading\n---\nMore.'],
    ['plus signs', '+++\nText.\n+++\nMore.'],
    ['prose with a colon', 'Dear reader: hello.\n\nText.'],
    ['prose that begins with a usual name', 'Summary: we met\nand talked.\n\nText.'],
    ['a head that says nothing an issue keeps', 'Slug: x\n\nText.'],
    ['a percent sign', '% of all\nwho sail'],
    [
      'fields below a heading that may be its text',
      '# Party\n\nDate: Friday\nPlace: Quay\n\nCome.',
    ],
    ['a comment of Obsidian', '%% title %%\n\nText.'],
    ['a link definition', '[a]: https://example.org\n\nText.'],
  ])('loses no text to %s', async (_, text) => {
    expect(await splitFrontMatter(text)).toMatchObject({ style: 'none', body: text })
  })

  it.each([
    ['never closed', '---\ntitle: x\n\ntext', 'Line 1:'],
    ['never closed, in TOML', '+++\ntitle = "x"\n\ntext', 'Line 1:'],
    ['broken YAML', '---\ntitle: x\ndate: "2026\n---\n\ntext', 'Line 3:'],
    ['broken TOML', '+++\ntitle = "x"\nnumber = \n+++\ntext', 'Line 3:'],
    ['too long', `---\ntitle: x\nsummary: ${'x'.repeat(MAX_HEAD_BYTES)}\n---\ntext`, 'Line 1:'],
    ['too long, plain', `Title: x\n${'Key: value\n'.repeat(7_000)}\ntext`, 'Line 1:'],
    ['deep brackets', `---\na: ${'['.repeat(60_000)}\n---\ntext`, 'Line 2:'],
    ['deep lists', `---\na:\n ${'- '.repeat(30_000)}\n---\ntext`, 'Line 3:'],
    ['deep TOML', `+++\na = ${'['.repeat(60_000)}\n+++\ntext`, 'Line 2:'],
  ])('refuses a head that is %s, with its line', async (_, text, line) => {
    const split = splitFrontMatter(text)
    await expect(split).rejects.toMatchObject({ code: 'INVALID_DRAFT' })
    await expect(split).rejects.toThrow(line)
  })

  it('does not run tags of YAML or change prototypes', async () => {
    const { fields } = await splitFrontMatter(
      '---\ntitle: !!js/function "x"\n__proto__: {polluted: yes}\n---\ntext',
    )
    expect(fields.get('title')?.value).toBe('x')
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false)
  })
})
