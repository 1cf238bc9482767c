import stringWidth from 'string-width'
import { describe, expect, it } from 'vitest'
import { fit } from '../../../src/render/terminal/wrap.ts'

describe('lines that must fit', () => {
  it('end at a space where there is one, and within a word where there is none', () => {
    expect(fit('hello brave new world\n  short\nabcdefghijklm', 10)).toBe(
      'hello \nbrave new \nworld\n  short\nabcdefghij\nklm',
    )
  })

  it.each([
    ['wide characters', '漢字漢字漢字 x', ['漢字漢字漢', '字 x']],
    ['characters of no width', 'e\u0301'.repeat(12), ['e\u0301'.repeat(10), 'e\u0301e\u0301']],
  ])('have no more columns than there are: %s', (_, line, rows) => {
    expect(fit(line, 10).split('\n')).toEqual(rows)
  })

  it('keep their styles, unless they are absurd', () => {
    const bold = (words: string) => `\u001b[1m${words}\u001b[22m`
    expect(fit(bold('hello brave'), 6)).toBe(`${bold('hello ')}\n${bold('brave')}`)
    const rows = fit(bold('漢'.repeat(5_000)), 80).split('\n')
    expect(rows).toHaveLength(125)
    expect(Math.max(...rows.map((row) => stringWidth(row)))).toBe(80)
  })
})
