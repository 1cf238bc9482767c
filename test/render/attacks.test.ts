import { describe, expect, it } from 'vitest'
import { renderHtml } from '../../src/render/html/html.ts'
import { renderTerminal } from '../../src/render/terminal/terminal.ts'
import { ATTACKS } from './attack-list.ts'
import { complaints } from './strict-html.ts'

const options = {
  idPrefix: 'i1-',
  attachmentUrl: (name: string) => (name === 'tide.png' ? '/attachments/tide.png' : undefined),
}

describe('an attack', () => {
  it.each(ATTACKS)('is shown as harmless HTML: %j', (markdown) => {
    for (const text of [
      markdown,
      `> ${markdown}`,
      `- ${markdown}`,
      `*${markdown}*`,
      `[${markdown}](https://a.example)`,
    ]) {
      expect(complaints(renderHtml(text, options), 'i1-')).toEqual([])
    }
  })

  it.each(ATTACKS)('is shown as harmless terminal text: %j', (markdown) => {
    // eslint-disable-next-line no-control-regex
    expect(renderTerminal(markdown, { width: 60, color: false })).not.toMatch(
      /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e]/,
    )
    const colored = renderTerminal(markdown, { width: 60, color: true })
    // With colour, only the styles of this renderer remain.
    // eslint-disable-next-line no-control-regex
    expect(colored.replace(/\u001b\[(?:1|2|3|4|9|2[2-49]|3[236]|39)m/g, '')).not.toMatch(
      /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/,
    )
  })
})

describe('the check of attacks', () => {
  it.each([
    '<script>x</script>',
    '<p onclick="x">a</p>',
    '<a href="javascript:x">a</a>',
    '<a href="/x">a</a>',
    '<img src="https://a.example/x.png">',
    '<p style="a">b</p>',
    '<p id="x">b</p>',
    '<p>a',
    '<p>\u202ea</p>',
    '<a href="https://a.example"><a href="https://a.example">b</a></a>',
    '<p>a<b</p>',
    '<p><table></table></p>',
    '<td>a</td>',
    '<h2 id="body">a</h2>',
  ])('finds fault with %j', (html) => {
    expect(complaints(html, 'i1-')).not.toEqual([])
  })
})
