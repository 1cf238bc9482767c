import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const project = resolve(import.meta.dirname, '../..')
const read = (path: string) => readFileSync(join(project, path), 'utf8')

/** Text on one line, without what only marks it. */
const plain = (text: string) => text.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/\s+/g, ' ')

/** The cells of each row of the tables of a page. */
const rowsOf = (page: string) =>
  page
    .split('\n')
    .filter((line) => /^\|(?! *-)/.test(line))
    .map((line) =>
      line
        .slice(1, -1)
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim()),
    )

const [readme = '', threats = ''] = read('docs/promises.md').split('\n## ').slice(1)
const PAGES = [
  { names: ['README.md', 'docs/guide.md'], rows: rowsOf(readme).slice(1) },
  { names: ['docs/threat-model.md'], rows: rowsOf(threats).slice(1) },
]

describe.each(PAGES)('a promise of $names', ({ names, rows }) => {
  const page = plain(names.map(read).join('\n'))

  it('is named in the words of the page', () => {
    expect(rows.length).toBeGreaterThan(20)
    expect(rows.filter(([promise = '']) => !page.includes(plain(promise)))).toEqual([])
  })

  it('is shown by tests that exist', () => {
    const missing = rows.flatMap(([promise = '', shown = '']) => {
      const tests = shown.split('<br>').map((it) => /^`(test\/[^`]+)`: (.+)$/.exec(it))
      return tests.flatMap((it) => (exists(it?.[1], it?.[2]) ? [] : `${promise}: ${it?.[0]}`))
    })
    expect(missing).toEqual([])
  })
})

function exists(file: string | undefined, title: string | undefined): boolean {
  if (file === undefined || title === undefined || !existsSync(join(project, file))) return false
  const source = read(file)
  return [`'${title}'`, `"${title}"`, `\`${title}\``].some((it) => source.includes(it))
}

/** Each bullet in bold of the README, each row of the tables and each part of the threat model. */
describe('no promise is without a test', () => {
  const promised = PAGES.map(({ rows }) => rows.map(([promise = '']) => plain(promise)))
  const [ofReadme = [], ofThreats = []] = promised

  it('among what the README begins with', () => {
    const bullets = [...read('README.md').matchAll(/^- \*\*(.+?)\*\*/gm)].map(([, it = '']) => it)
    expect(bullets).toHaveLength(5)
    expect(bullets.filter((it) => !ofReadme.includes(it))).toEqual([])
  })

  it('among what somebody may try', () => {
    const rows = rowsOf(read('docs/threat-model.md'))
    const tried = rows.filter(([it]) => it !== 'tries to')
    expect(tried.length).toBeGreaterThan(8)
    expect(tried.filter(([it = '']) => !ofThreats.includes(it))).toEqual([])
  })

  it('in any part of the threat model', () => {
    const parts = read('docs/threat-model.md').split('\n## ').slice(1)
    const promising = parts.filter((it) => !/^(?:What is protected|Not protected)/.test(it))
    expect(promising.length).toBeGreaterThan(5)
    const without = promising.filter((part) => !ofThreats.some((it) => plain(part).includes(it)))
    expect(without).toEqual([])
  })
})
