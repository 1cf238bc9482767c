import { describe, it } from 'vitest'
import { renderHtml } from '../../src/render/html/html.ts'
import { stripControls } from '../../src/render/plain.ts'
import { renderTerminal } from '../../src/render/terminal/terminal.ts'
import { expectLinear, type Construct } from '../helpers/growth.ts'

const CONSTRUCTS: readonly Construct[] = [
  { unit: '\n' },
  { unit: '#\n' },
  { unit: '\u0001\n', end: 'x' },
  { start: '<div>\n', unit: '<br>', end: 'x' },
  { unit: '\u0090' },
  { unit: '\u009d' },
  { unit: '\u001b]' },
  { unit: '\u009b1' },
  { start: '<div>\n<', unit: 'a' },
  { start: '<div>\n', unit: '< ' },
  { start: '<div>\n', unit: '< ', end: '>' },
  { start: '<div>\n', unit: '<a ' },
  { start: '<img src=x ', unit: 'a', end: '>' },
  { start: '<div>\n<img ', unit: 'a="', end: '>' },
  { start: '<div>\n<img ', unit: "a='", end: '>' },
  { start: '<div>\n', unit: '<script></script ' },
]

describe('the cost of a text grows as the text does', { timeout: 120_000 }, () => {
  it.each(CONSTRUCTS)('in HTML: %j', (construct) => {
    expectLinear(construct, renderHtml)
  })

  it.each(CONSTRUCTS)('in a terminal: %j', (construct) => {
    expectLinear(construct, (text) => renderTerminal(text, { width: 80, color: true }))
  })

  it.each(CONSTRUCTS)('on a line: %j', (construct) => {
    expectLinear(construct, stripControls)
  })
})
