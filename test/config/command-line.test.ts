import { describe, expect, test } from 'vitest'
import { parseCommand, splitCommand } from '../../src/config/command-line.ts'

describe('a command line', () => {
  test.each<[string, string[]]>([
    ['tell', ['tell']],
    ['  /usr/bin/tell  --quiet x ', ['/usr/bin/tell', '--quiet', 'x']],
    [`"/opt/my tools/tell" 'a b' c"d e"f`, ['/opt/my tools/tell', 'a b', 'cd ef']],
    [`tell '' "it's" '"'`, ['tell', '', "it's", '"']],
    ['tell $HOME *.md `id` a;b C:\\dir\\', ['tell', '$HOME', '*.md', '`id`', 'a;b', 'C:\\dir\\']],
  ])('%s is parted at its spaces, and means nothing else', (text, words) => {
    expect(splitCommand(text)).toEqual(words)
    expect(parseCommand(text)).toBe(text)
  })

  test.each(['', '   ', '"" x', 'tell "x', "tell it's"])('%j is refused', (text) => {
    const refused: unknown = expect.objectContaining({ code: 'INVALID_INPUT' })
    expect(() => splitCommand(text)).toThrow(refused)
    expect(() => parseCommand(text)).toThrow(refused)
  })
})
