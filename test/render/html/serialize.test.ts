import type { ElementContent, Properties, Root } from 'hast'
import { describe, expect, it } from 'vitest'
import { htmlSchema } from '../../../src/render/html/schema.ts'
import { serialize } from '../../../src/render/html/serialize.ts'

describe('serialize', () => {
  it('writes elements, their attributes and text', () => {
    const link = element('a', { href: 'https://a.example/', className: ['b', 'c'] }, ['d'])
    expect(html(element('p', {}, [link, element('br')]))).toBe(
      '<p><a href="https://a.example/" class="b c">d</a><br></p>',
    )
  })

  it('keeps text text, and a value a value', () => {
    expect(html(element('p', {}, ['</p><b>&amp;']))).toBe('<p>&#x3C;/p>&#x3C;b>&#x26;amp;</p>')
    expect(html(element('img', { alt: '" onerror="x` \'y\' &amp; <b>\0' }))).toBe(
      '<img alt="&#x22; onerror=&#x22;x&#x60; &#x27;y&#x27; &#x26;amp; <b>&#x0;">',
    )
  })

  it('keeps an empty value', () => {
    expect(html(element('img', { alt: '' }))).toBe('<img alt="">')
  })

  it('writes no attribute that it does not know', () => {
    expect(html(element('p', { onClick: 'x', style: 'y', 'a b': 'c' }))).toBe('<p></p>')
  })

  it('knows each attribute that the allow list lets through', () => {
    const allowed = Object.values(htmlSchema('i-').attributes ?? {}).flat()
    for (const definition of allowed) {
      const key = typeof definition === 'string' ? definition : definition[0]
      expect(html(element('p', { [key]: '1' }))).toMatch(/^<p [a-z-]+="1"><\/p>$/)
    }
  })
})

function html(...children: ElementContent[]): string {
  const root: Root = { type: 'root', children }
  return serialize(root)
}

function element(
  tagName: string,
  properties: Properties = {},
  children: readonly (ElementContent | string)[] = [],
): ElementContent {
  const nodes = children.map((it): ElementContent =>
    typeof it === 'string' ? { type: 'text', value: it } : it,
  )
  return { type: 'element', tagName, properties, children: nodes }
}
