import { strict as assert } from 'node:assert'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import fc from 'fast-check'
import { newsletterOf, readOutlines } from '../../src/api/reading/importing-opml.ts'
import { prepareIssue } from '../../src/api/writing/drafts.ts'
import { decodeRecord } from '../../src/format/records/record.ts'
import { dateInPath, parseDate } from '../../src/sources/date.ts'
import { draftFromMarkdown } from '../../src/sources/draft.ts'
import { markdownFolder } from '../../src/sources/markdown-folder.ts'
import { withoutLocation } from '../../src/sources/picture-location.ts'
import type { Draft, SkippedDraft } from '../../src/sources/source.ts'
import { decodeDraft } from '../../src/sources/text.ts'
import { filesIn } from './format-targets.ts'
import { bytesOf, mutated, refusing, textOf, textsOf, type Target } from './target.ts'

const PIECES = [
  '---\n',
  '+++\n',
  '{\n',
  '}\n',
  '---',
  '...\n',
  'title: ',
  'title = ',
  '"title": ',
  'T\n',
]
  .concat([
    'date: ',
    'date = ',
    '2020-02-30',
    '2019-03-04T05:06:07+09:00',
    'Feb 3rd, 2020',
    '02/03/2020',
  ])
  .concat([
    'tags: ',
    '[a, b]\n',
    '- a\n',
    'draft: true\n',
    'author: ',
    'lang: ',
    'summary: ',
    ': ',
    ' = ',
  ])
  .concat([
    '&a ',
    '*a',
    '<<: *a\n',
    '!!binary ',
    '|\n  ',
    '>-\n  ',
    '{a: 1}\n',
    '"',
    "'",
    '\n',
    '\r\n',
    ' ',
  ])
  .concat([
    '\t',
    '# H\n',
    'H\n===\n',
    '![a](a.png)',
    '![](../../x)',
    '<img src="a.png">',
    '\ufeff',
    '\u0000',
  ])
  .concat([
    '\u001b',
    '\u202e',
    '__proto__: ',
    '[constructor]\n',
    '1e999',
    '.inf',
    '0x10',
    'null',
    '~',
    '漢',
  ])

const HEADS = ['---\ntitle: Tides\ndate: 2020-02-03\ntags: [a, b]\n---\n\n# Tides\n\n![a](a.png)\n']
  .concat([
    '+++\ntitle = "Tides"\ndate = 2020-02-03T04:05:06Z\n+++\nText\n',
    'Title: T\nDate: 3 mars 2020\n\nText',
  ])
  .concat(['{\n"title": "T", "tags": ["a"]\n}\nText\n', 'Tides\n=====\n\nText\n'])

const drafts = fc.oneof(
  textsOf(PIECES),
  mutated([...HEADS.map(bytesOf), ...filesIn('drafts')], PIECES),
)

const REFUSALS = ['INVALID_DRAFT', 'TOO_LARGE'] as const

/** Whatever can be read as a draft can be published, and is then a valid entry. */
export async function assertPublishable(draft: Draft): Promise<void> {
  const at = { length: 1, previous: [0], profile: 0, lastNumber: 0 }
  const compose = await prepareIssue(draft)
  const issue = await refusing(['TOO_LARGE'], () => compose(at))
  if (issue === undefined) return
  const index = at.length + issue.blocks.length - 1
  decodeRecord(issue.blocks.at(-1) ?? new Uint8Array(), index)
}

/** Whatever is left out, is left out with a reason for people. */
export function assertSkipped(skipped: SkippedDraft): void {
  assert.doesNotMatch(JSON.stringify(skipped), /"INTERNAL"/)
}

const draft: Target = {
  name: 'draft',
  inputs: drafts,
  async check(input) {
    const found = await refusing(REFUSALS, async () => {
      const text = decodeDraft(Buffer.from(input))
      const name = `${text.slice(0, 40)}.md`
      return draftFromMarkdown(text, { name, date: new Date(0), dateFrom: 'now' })
    })
    if (found !== undefined) await assertPublishable(found)
  },
}

const DATES = [
  '2013-06-07 18:46',
  'Fri, 13 Feb 2009 23:31:30 +0000',
  '13.02.2020',
  '3 mars 2020',
].concat([
  '2020年1月2日',
  '2020-W05',
  '1234567890',
  'Feb 3rd, 2020',
  '20200203T040506Z',
  'posts/2019/03/04/x',
])

const date: Target = {
  name: 'date',
  inputs: mutated(DATES.map(bytesOf), [
    ...DATES,
    'am',
    'PM',
    'Z',
    '+99:99',
    '/',
    '-',
    '99',
    ' de ',
  ]),
  check(input) {
    for (const found of [parseDate(textOf(input)), dateInPath(textOf(input))]) {
      if (found !== undefined) assert.equal(new Date(found).toISOString(), found)
    }
  },
}

/** Between two files of a folder. */
const NEXT_FILE = '\u001c'

const folder: Target = {
  name: 'folder',
  inputs: fc
    .array(fc.tuple(fc.constantFrom(...names()), drafts), { maxLength: 5 })
    .map((files) =>
      Buffer.concat(
        files.flatMap(([name, text]) => [bytesOf(`${name}\n`), text, bytesOf(NEXT_FILE)]),
      ),
    ),
  async check(input) {
    const home = mkdtempSync(join(tmpdir(), 'hyperletter-fuzz-'))
    try {
      for (const file of Buffer.from(input).toString('latin1').split(NEXT_FILE)) {
        const [, name = '', text = ''] = /^([^\n]*)\n(.*)$/s.exec(file) ?? []
        place(home, Buffer.from(name, 'latin1').toString(), Buffer.from(text, 'latin1'))
      }
      for await (const it of markdownFolder(home).drafts({})) {
        if ('draft' in it) await assertPublishable(it.draft)
        else assertSkipped(it)
      }
    } finally {
      rmSync(home, { recursive: true })
    }
  },
}

function names(): string[] {
  const stems = ['a', '2020-02-03-tides', 'drafts/x', 'posts/2019/03/04/y', '.hidden', 'é', '%41']
  return [...stems.flatMap((it) => [`${it}.md`, `${it}.markdown`]), 'a.png', 'b.html', 'c']
}

// Where a name cannot be had, it is left out.
function place(home: string, name: string, bytes: Uint8Array): void {
  try {
    const path = join(home, name)
    if (name.includes('\0') || relative(home, path).startsWith('..')) return
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, bytes)
  } catch {
    // Another one is in its place.
  }
}

const OUTLINE = '<outline text="T" xmlUrl="http://127.0.0.1:4937/feeds/KEY/atom.xml"/>'
const LIST = `<?xml version="1.0"?><opml version="2.0"><head/><body>${OUTLINE}</body></opml>`

const opml: Target = {
  name: 'opml',
  inputs: mutated(
    [LIST.replace('KEY', 'y'.repeat(52)), LIST.replace(/http[^"]*/, 'hyperletter://x')].map(
      bytesOf,
    ),
    [
      '<!DOCTYPE a [<!ENTITY b "c">]>',
      '&b;',
      '&#x0;',
      '<![CDATA[',
      ']]>',
      OUTLINE,
      '<outline>',
      '&',
      '\0',
    ],
  ),
  async check(input) {
    const codes = ['INVALID_INPUT', 'TOO_LARGE'] as const
    const outlines = await refusing(codes, () => readOutlines(textOf(input)))
    for (const it of outlines ?? []) newsletterOf(it)
  },
}

/** A JPEG with the place where it was taken: an Exif segment with a GPS directory, then a scan. */
const JPEG = Buffer.from(
  `ffd8ffe1003a${Buffer.from('Exif\0\0II*\0').toString('hex')}08000000020012010300010000000600000025880400` +
    '010000002600000000000000000000000000000000000000ffda0002ffd9',
  'hex',
)

const picture: Target = {
  name: 'picture',
  inputs: mutated(
    [JPEG, ...filesIn('newsletters/tide-tables/images')],
    ['Exif\0\0', 'II*\0', 'eXIf', 'RIFF', 'WEBP'],
  ),
  check(input) {
    const before = Buffer.from(input)
    const cleaned = withoutLocation(input)
    assert(before.equals(input), 'The picture itself was changed.')
    assert(cleaned.byteLength <= input.byteLength + 64)
    assert(Buffer.from(withoutLocation(cleaned)).equals(cleaned), 'It takes two times to clean it.')
  },
}

export const DRAFT_TARGETS: readonly Target[] = [draft, date, folder, opml, picture]
