import { describe, expect, it } from 'vitest'
import { attachmentName } from '../../src/render/links.ts'

describe('attachmentName', () => {
  it.each([
    ['tide.png', 'tide.png'],
    ['./tide%20chart.png', 'tide chart.png'],
    ['images/tide.png?width=300#top', 'images/tide.png'],
    ['images/../tide.png', 'tide.png'],
    ['a//b/./c.png', 'a/b/c.png'],
    ['50%.png', '50%.png'],
    ['%E6%BD%AE.png', '潮.png'],
    ['/images/tide.png', 'images/tide.png'],
    ['../../images/tide.png', 'images/tide.png'],
    ['a/../../tide.png', 'tide.png'],
    ['%2e%2e/tide.png', 'tide.png'],
  ])('resolves %s as the format says', (url, name) => {
    expect(attachmentName(url)).toBe(name)
  })

  it.each([
    '',
    '//x.example/a.png',
    '\\\\host\\x',
    '#top',
    '?q',
    'https://x.example/a.png',
    'data:,x',
  ])('finds no attachment in %j, which lies elsewhere', (url) => {
    expect(attachmentName(url)).toBeUndefined()
  })

  it.each(['.', './', '/', '..', '/..'])(
    'finds no attachment in %j, which names nothing',
    (url) => {
      expect(attachmentName(url)).toBeUndefined()
    },
  )
})
