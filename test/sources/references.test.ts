import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { localReferences, referencesByParser } from '../../src/sources/references.ts'

async function paths(text: string): Promise<string[]> {
  return (await localReferences(text)).filter((it) => it.kind === 'image').map((it) => it.path)
}

async function unplaced(text: string): Promise<unknown[]> {
  return (await localReferences(text)).map((it) => ({ ...it, place: undefined }))
}

describe('localReferences', () => {
  it.each([
    ['![a](b.png)', ['b.png']],
    ['![a](<b c.png> "d")', ['b c.png']],
    ['![a][b]\n\n[B]: c.png', ['c.png']],
    ['![a][]\n\n[a]: c.png', ['c.png']],
    ['![a]\n\n> [a]:\n> c.png', ['c.png']],
    ['![a [b](https://x.org/c)](d.png)', ['d.png']],
    ['![a `]` b](c.png)', ['c.png']],
    ['[![a](b.png)](https://x.org)', ['b.png']],
    ['| ![a](b.png) |\n| --- |\n| ![c](d.png) |', ['b.png', 'd.png']],
    ['x[^1]\n\n[^1]: ![a](b.png)', ['b.png']],
    ['- > ![a](\n  > b.png)', ['b.png']],
    ['*![a*](b.png)', ['b.png']],
    ['![a](b.png?size=2#x)', ['b.png']],
    ['<img src="b.png" alt="x">', ['b.png']],
    ["text <IMG width=3 src='/c/d%20e.png'> more ![f](g.png)", ['/c/d e.png', 'g.png']],
    ['<figure>\n<img src=h.png>\n</figure>', ['h.png']],
    ['<picture><source srcset="i.webp"><img src="i.png"></picture>', ['i.png']],
    [`${'`<'.repeat(3_000)}\n<img src="j.png">`, ['j.png']],
    ['![a](%E6%BD%AE%zz.png)', ['%E6%BD%AE%zz.png']],
    ['A picture ![a]((1).png) and ![b]([c].png)', ['(1).png', '[c].png']],
    ['[10 am]: 6:30pm\n\n![a][b]\n\n[b]: c.png', ['c.png']],
  ])('finds the images of %j', async (text, expected) => {
    expect(await paths(text)).toEqual(expected)
  })

  it.each([
    '[a](b.png)',
    '`![a](b.png)`',
    '    ![a](b.png)',
    '```\n![a](b.png)\n```',
    '![x](https://x.org/)\n~~~\n![a](b.png)\n',
    '\\![a](b.png)',
    '![a](https://x.org/b.png)',
    '![a](//x.org/b.png)',
    '![a](#b)',
    '![a]()',
    '![a][b]',
    '<!-- ![a](b.png) -->',
    '<img src="https://x.org/b.png">',
    '`<img src="b.png">`',
    '```\n<img src="b.png">\n```',
    '<imgs src="b.png">',
    '`#![no_std]` [a](b.html)\n\n[c]: d.html',
  ])('finds no image in %j', async (text) => {
    expect(await paths(text)).toEqual([])
  })

  it('finds an image after any text that leaves no block open', async () => {
    const words = fc.string({
      unit: fc.constantFrom('a', ' ', '*', '_', '[', ']', '(', ')', '!', '\\', '&'),
    })
    await fc.assert(
      fc.asyncProperty(words, async (text) => {
        expect(await paths(`${text}\n\n# x\n\n![a](b.png)`)).toContain('b.png')
      }),
    )
  })

  const part = fc.constantFrom(
    '![a b](b.png)',
    '  ![](%20/c.png)',
    '   ![a, (b)?](ü_1.png) ',
    '    ![a](code.png)',
    '\t![a](t.png)',
    '![a](https://x.org/d.png)',
    '[a](\n',
    '* b [a](c.png) [d](https://x.org)',
    '[a](b.md) (c)](d.md)',
    ')',
    '[e]:',
    '[e]: f.png',
    '[e]: f.png words',
    '[e]: <f g.png> "h"',
    '![e][e]',
    '- words [w][E], [e] and [E ][]',
    '[z]: ttps://x.org/z',
    '[z] and ![z][y]',
    '[y]: https://x.org/y\n[aa]: ba.md',
    'words [aa], [k][aa] [l](m.md)',
    '[^1]: note',
    '- item',
    '-',
    '1. item',
    '> quote',
    '<b>',
    '<!--',
    '-->',
    '`',
    'a `b',
    '| a |',
    '| --- |',
    '---',
    '===',
    '\\',
    '&amp;',
    'text',
    '*',
    '[',
    ']',
    '!',
    '![',
    '(',
    'www.x.org',
    '# head',
    '$$',
    '- ![g](h.png)',
    '[a](b.md) more words',
    '  words in a list',
    '    words of code',
    '1986. A year',
    '![c](<d e.png>)',
    '<pre>',
    '</pre>',
    '<img src="i.png">',
    '<a\nhref="j.html">k</a>',
    '* [l](m.md) | n',
    '    * [q](r.md)',
    '<!-- [s](',
    't.md) -->',
    '| -',
    '~~~',
    '> [o](p.md)',
    '- words `of [u](v.md)` and `w` [x](y.md?z=1&amp=2)',
    '![`aa`](ab.png)',
    '[ac `|](ad.md) `|',
    '[ae](af`.md) ag`',
    '\f',
    '\v',
  )
  const line = fc.tuple(part, fc.constantFrom('\n', '\n\n', '\n\n', '\r\n', '\r\n\r\n', '\n \n'))
  const texts = fc.array(line, { maxLength: 12 }).map((all) => all.flat().join(''))

  it('finds the same with a parser as without', async () => {
    // An empty block of code at the end changes nothing else, and is left to the parser.
    await fc.assert(
      fc.asyncProperty(texts, async (text) => {
        expect(await unplaced(text)).toEqual(await unplaced(`${text}\n\n~~~\n~~~\n`))
      }),
      { numRuns: 300 },
    )
  })

  it('finds the same in the paragraphs that matter as in the whole text', async () => {
    await fc.assert(
      fc.asyncProperty(texts, async (text) => {
        // A label behind a label is taken for a slip, and for no path.
        const all = (await referencesByParser(text)).filter(({ path }) => path !== '[e]:')
        for (const end of ['', '\n\n~~~\n~~~\n']) {
          const found = await localReferences(`${text}${end}`)
          const shown = found.filter(({ path }) => path !== '[e]:')
          const placed = shown.map((it, at) => ({ ...it, place: it.place ?? all[at]?.place }))
          expect(placed).toEqual(all)
        }
      }),
      { numRuns: 300 },
    )
  })

  it('finds images of texts that are too long or too tangled to parse', async () => {
    const fence = '```\n![a](code.png)\n```\n'
    const long = 'Some words of prose.\n'.repeat(20_000)
    const found = await localReferences(`${fence}${long}![a](b.png) ![c][d]\n\n[d]: <e.png>`)
    expect(found.map((it) => [it.path, it.line])).toEqual([
      ['b.png', 20_004],
      ['e.png', 20_004],
    ])
  })

  it.each([8, 16, 32])('takes no more than seconds for quotes of %i levels', async (levels) => {
    const unit = `${'> '.repeat(levels)}a\n\n`
    const text = `![a](b.png)\n\n${unit.repeat(120_000 / unit.length)}`
    const start = performance.now()
    expect(await paths(text)).toEqual(['b.png'])
    expect(performance.now() - start).toBeLessThan(8_000)
  })

  it.each([
    ['asterisks', '*a_ '],
    ['quotes', '>'],
    ['lists', '- '],
    ['brackets', '['],
    ['open images', '!['],
    ['open destinations', ']('],
    ['open tags', '<a href='],
    ['nested quotes', `${'> '.repeat(40)}a\n\n`],
    ['nested lists', `${'- '.repeat(20)}a\n`],
    ['backticks', '` `` '],
    ['prose', 'words\n'],
    ['comments', '<!--'],
    ['paragraphs', 'words [a](b)\n\n'],
  ])('takes no more than linear time for 2 MiB of %s', async (_, unit) => {
    const text = `![a](b.png)\n\n${unit.repeat((2 * 1024 * 1024) / unit.length)}`
    const start = performance.now()
    expect(await paths(text)).toContain('b.png')
    // Quadratic time would be minutes.
    expect(performance.now() - start).toBeLessThan(20_000)
  })
})
