import { describe, expect, it } from 'vitest'
import { elementWriter, escapeText } from '../../../src/render/html/write.ts'

const write = elementWriter('i-')

describe('the writer of HTML', () => {
  it('writes elements, their attributes and what they hold', () => {
    const link = write('a', { href: 'https://a.example/', title: 'b' }, 'c')
    expect(write('p', {}, link + write('br', {}))).toBe(
      '<p><a href="https://a.example/" title="b">c</a><br></p>',
    )
  })

  it('keeps text text, and a value a value', () => {
    expect(escapeText('</p><b>&amp;')).toBe('&#x3C;/p>&#x3C;b>&#x26;amp;')
    expect(write('img', { alt: '" onerror="x` \'y\' &amp; <b>\0' })).toBe(
      '<img alt="&#x22; onerror=&#x22;x&#x60; &#x27;y&#x27; &#x26;amp; <b>&#x0;">',
    )
  })

  it('keeps an empty value, and leaves out one that is undefined', () => {
    expect(write('img', { alt: '', title: undefined })).toBe('<img alt="">')
  })

  it('writes no attribute that it does not know', () => {
    const unknown = { onclick: 'x', style: 'y', 'a b': 'c', __proto__: 'd', constructor: 'e' }
    expect(write('p', unknown, 'f')).toBe('<p>f</p>')
  })

  it.each(['script', 'style', 'iframe', 'form', 'constructor', 'p onclick="x"'])(
    'leaves of <%s> what it holds',
    (name) => {
      expect(write(name, {}, 'a')).toBe('a')
    },
  )

  it.each([
    ['a', 'href', 'javascript:alert(1)'],
    ['a', 'href', '//a.example'],
    ['a', 'href', '#a b'],
    ['a', 'rel', 'opener'],
    ['h1', 'id', 'a b'],
    ['h1', 'id', ''],
    ['img', 'src', 'data:image/png;base64,AA'],
    ['img', 'src', 'javascript:x'],
    ['td', 'colspan', '0'],
    ['code', 'class', 'sr-only'],
  ])('does not let <%s> have a %s of %s', (name, key, value) => {
    expect(write(name, { [key]: value })).not.toContain(key)
  })

  it.each(['/a/b.png?c:d', 'b.png', 'https://a.example/b.png', 'blob:https://a.example/1'])(
    'lets a picture lie at %s',
    (src) => {
      expect(write('img', { src })).toBe(`<img src="${src}">`)
    },
  )

  it('begins ids, and links to them, with its prefix', () => {
    expect(write('h2', { id: 'a' })).toBe('<h2 id="i-a"></h2>')
    expect(write('a', { href: '#a' })).toBe('<a href="#i-a"></a>')
  })
})
