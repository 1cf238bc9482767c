import { describe, expect, it } from 'vitest'
import { readHtml } from '../../../src/render/markdown/raw-html.ts'

/** Parts in short: text as it is, `name key=value …` for a tag, `/name` for its end. */
function parts(html: string): string[] {
  return readHtml(html).map((it) => {
    if (it.type === 'text') return it.value
    if (it.type === 'close') return `/${it.name}`
    const attributes = [...it.attributes].map(([key, value]) => ` ${key}=${value}`)
    return `<${it.name}${attributes.join('')}${it.closesItself ? ' /' : ''}>`
  })
}

describe('reading HTML', () => {
  it.each([
    ['a <B>b</B > c', ['a ', '<b>', 'b', '/b', ' c']],
    ['a < b > c <3 </3> &lt; &amp', ['a < b > c <3  < &']],
    ['<a HREF=x title="&quot;>" data-a=\'1\' b>', ['<a href=x title="> data-a=1 b=>']],
    ['<a x=1 X=2 =y z = 3>', ['<a x=1 =y= z=3>']],
    ['<br/><br / ><a b=c/>', ['<br />', '<br />', '<a b=c/>']],
    ['<a b="?x&lt=1&copy;&reg">', ['<a b=?x&lt=1©®>']],
    ['a<!-- <b> -->b<!-->c<!--->d<!--x--!>e<!doctype f>g<?h?>i</ j>k</>l', ['abcdegikl']],
    ['a<![CDATA[<b>]]>c', ['ac']],
    ['<script>a<b>&amp;</scripts></script>c', ['<script>', 'a<b>&amp;</scripts>', '/script', 'c']],
    ['<title>a<b>&amp;</TITLE>c', ['<title>', 'a<b>&', '/title', 'c']],
    ['<xmp>never ends </x', ['<xmp>', 'never ends </x']],
    ['<plaintext></plaintext>', ['<plaintext>', '</plaintext>']],
  ])('splits %j', (html, expected) => {
    expect(parts(html)).toStrictEqual(expected)
  })

  it.each(['<a', '<a b', '<a b=', '<a b="c>', "<a b='c>", '</a', '<!-- b', '<![CDATA[ b', '<!b'])(
    'drops what %j begins and does not end',
    (html) => {
      expect(parts(`x${html}`)).toStrictEqual(['x'])
    },
  )

  it('says what a tag was written as, and where its values begin', () => {
    const html = `a <img src="&amp;b" alt = c title='' hidden>`
    const [, tag] = readHtml(html)
    if (tag?.type !== 'open') throw new Error('no tag')
    expect(tag.source).toBe(html.slice(2))
    const starts = [...tag.places].map(([key, { start }]) => [key, html.slice(start, start + 2)])
    expect(starts).toStrictEqual([
      ['src', '&a'],
      ['alt', 'c '],
      ['title', "' "],
    ])
  })

  it.each([
    '<',
    '</',
    '<a ',
    '<a b="',
    "<a b='",
    '<!--',
    '<![CDATA[',
    '<!',
    '<a =',
    ' ',
    '/',
    '&',
    '<title>',
    '<a>-',
  ])('takes time that grows with the text alone, for %j', (piece) => {
    const took = (count: number) => {
      const before = process.cpuUsage().user
      readHtml(`<a${piece.repeat(count)}`)
      readHtml(piece.repeat(count))
      return process.cpuUsage().user - before
    }
    took(2_000)
    // Four hundred times as much for twenty times the text, if it were the square.
    expect(took(200_000)).toBeLessThan(100 * Math.max(took(10_000), 2_000))
  })
})
