import { describe, expect, it } from 'vitest'
import { HyperletterError } from '../../../../src/errors.ts'
import { readOutlines } from '../../../../src/api/reading/importing-opml.ts'

function list(body: string): string {
  return `<?xml version="1.0"?>\n<opml version="2.0"><head><title>Mine</title></head><body>${body}</body></opml>`
}

function codeOf(opml: string): unknown {
  try {
    return readOutlines(opml)
  } catch (error) {
    return error instanceof HyperletterError ? error.code : error
  }
}

describe('an OPML list', () => {
  it('is read from all its folders', () => {
    const opml = list(`
      <outline text="A &amp; B" title="A &lt; B" type="rss" xmlUrl="hyperletter://a" htmlUrl="http://a/"/>
      <outline text="Folder"><outline text="C"><outline text="D" url=" http://d/ "/></outline></outline>`)
    expect(readOutlines(opml)).toStrictEqual([
      { title: 'A < B', urls: ['hyperletter://a', 'http://a/'] },
      { title: 'D', urls: ['http://d/'] },
    ])
  })

  it('may have what lists in use have: other cases, a byte order mark, bare ampersands', () => {
    const opml = `\uFEFF\n<OPML><body><Outline TEXT="Q&A" XMLURL="http://q/?a=1&b=2"/></body></OPML>`
    expect(readOutlines(opml)).toStrictEqual([{ title: 'Q&A', urls: ['http://q/?a=1&b=2'] }])
  })

  it('keeps what looks like an entity and is none', () => {
    const opml = list('<outline text="&x; &#x41; &nbsp;&" url="http://e/?&l8;"/>')
    expect(readOutlines(opml)).toStrictEqual([{ title: '&x; A &nbsp;&', urls: ['http://e/?&l8;'] }])
  })

  it('may be empty', () => {
    expect(readOutlines(list(''))).toStrictEqual([])
  })

  it.each([
    ['nothing', ' '],
    ['text', 'hyperletter://a'],
    ['HTML', '<html><body><outline xmlUrl="x"/></body></html>'],
    ['JSON', '{"version": "https://jsonfeed.org/version/1.1"}'],
    ['a feed', '<feed xmlns="http://www.w3.org/2005/Atom"/>'],
    ['cut off in the middle', list('<outline xmlUrl="x"/>').slice(0, -20)],
    ['two lists in one', list('') + list('')],
    ['tags that cross', '<opml><body><outline></body></outline></opml>'],
    ['an external entity', '<!DOCTYPE opml [<!ENTITY x SYSTEM "file:///etc/passwd">]><opml/>'],
    ['an external document type', '<!DOCTYPE opml SYSTEM "http://example.org/opml.dtd"><opml/>'],
    ['a declaration in the body', list('<!ENTITY x "y"><outline xmlUrl="x"/>')],
  ])('is refused where it is %s', (_, opml) => {
    expect(codeOf(opml)).toBe('INVALID_INPUT')
  })

  it('expands no entity that it declares itself', () => {
    const levels = Array.from({ length: 9 }, (__, i) => {
      const inner = i === 0 ? 'lol' : `&l${i - 1};`.repeat(10)
      return `<!ENTITY l${i} "${inner}">`
    })
    const bomb = `<!DOCTYPE opml [${levels.join('')}]><opml><body><outline text="&l8;" xmlUrl="x"/></body></opml>`
    expect(codeOf(bomb)).toBe('INVALID_INPUT')
  })

  it.each([
    ['too long', list(' '.repeat(1_024 * 1_024))],
    ['too deep', list('<outline>'.repeat(100))],
    ['too deep in other elements', list('<x>'.repeat(100_000))],
    ['of too many entities', list(`<outline url="${'&amp;'.repeat(100_001)}"/>`)],
    ['of too many outlines', list('<outline/>'.repeat(10_001))],
  ])('is refused where it is %s', (_, opml) => {
    expect(codeOf(opml)).toBe('TOO_LARGE')
  })

  it('is searched for nothing that an object has by itself', () => {
    const opml = list('<outline __proto__="a" constructor="b" toString="c" xmlUrl="http://d/"/>')
    expect(readOutlines(opml)).toStrictEqual([{ title: '', urls: ['http://d/'] }])
  })
})
