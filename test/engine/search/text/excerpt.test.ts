import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseQuery } from '../../../../src/engine/search/query.ts'
import { excerptOf } from '../../../../src/engine/search/text/excerpt.ts'

function marked(text: string, query: string): string[] {
  const excerpt = excerptOf(text, parseQuery(query))
  return excerpt.highlights.map(([start, end]) => excerpt.text.slice(start, end))
}

const filler = (count: number) => Array.from({ length: count }, (_, i) => `word${i}`).join(' ')

describe('an excerpt', () => {
  it('is a short text as it is', () => {
    expect(excerptOf('High water at noon.', parseQuery('water'))).toStrictEqual({
      text: 'High water at noon.',
      highlights: [[5, 10]],
    })
  })

  it('is the part of a long text where the words stand together', () => {
    const text = `spring ${filler(300)} the spring tide rose ${filler(300)} tide`
    const excerpt = excerptOf(text, parseQuery('spring tide'))
    expect(excerpt.text).toContain('the spring tide rose')
    expect(excerpt.text).toMatch(/^… word.* …$/)
    expect(marked(text, 'spring tide')).toStrictEqual(['spring', 'tide'])
  })

  it('is the beginning of a text without the words', () => {
    const { text, highlights } = excerptOf(
      `The title says it. ${filler(200)}`,
      parseQuery('absent'),
    )
    expect(text).toMatch(/^The title says it\. .* …$/)
    expect(highlights).toStrictEqual([])
  })

  it('of an empty text is empty', () => {
    expect(excerptOf('', parseQuery('tide'))).toStrictEqual({ text: '', highlights: [] })
  })

  it('marks words that begin with one of the query, whatever their case and accents', () => {
    expect(marked('Frühling, FRUHLINGS, frühlingshaft', 'frühling')).toStrictEqual([
      'Frühling',
      'FRUHLINGS',
      'frühlingshaft',
    ])
  })

  it('marks words of Chinese, Japanese and Hindi', () => {
    expect(marked('巷口有一棵老槐树,树干很粗。', '槐树')).toStrictEqual(['槐树'])
    expect(marked('橋の下でカワセミを見た。', 'カワセミ')).toStrictEqual(['カワセミ'])
    expect(marked('हमारी गली के मोड़ पर नीम का पेड़ है।', 'पेड़')).toStrictEqual(['पेड़'])
  })

  it('marks inside of its text, in order and without overlaps', () => {
    const parts = fc.constantFrom(
      'tide',
      'Tides',
      '川',
      '川の朝',
      'पेड़',
      '𠮷',
      ' ',
      '. ',
      'x'.repeat(90),
    )
    fc.assert(
      fc.property(
        fc.array(parts, { maxLength: 200 }),
        fc.array(parts, { maxLength: 4 }),
        (a, b) => {
          const { text, highlights } = excerptOf(a.join(''), parseQuery(b.join(' ')))
          expect(text.isWellFormed()).toBe(true)
          expect(text.length).toBeLessThan(400)
          let last = -1
          for (const [start, end] of highlights) {
            expect(start).toBeGreaterThan(last)
            expect(end).toBeGreaterThan(start)
            last = end
          }
          expect(last).toBeLessThanOrEqual(text.length)
        },
      ),
    )
  })

  it('of one endless word is short', () => {
    const { text } = excerptOf('x'.repeat(2 * 1024 * 1024), parseQuery('x'.repeat(100)))
    expect(text.length).toBeLessThan(400)
  })
})
