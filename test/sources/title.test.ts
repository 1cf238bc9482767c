import { describe, expect, it } from 'vitest'
import { dateInName, parseDate } from '../../src/sources/date.ts'
import { titleFromName, titleHeading } from '../../src/sources/title.ts'

describe('titleHeading', () => {
  it.each([
    ['# High tide', 'High tide', 1],
    ['\r\n# High tide #\r\n', 'High tide', 2],
    ['## The first words', 'The first words', 1],
    ['High *tide*\nat noon\n====\n', 'High tide at noon', 1],
    ['High tide\n---\n', 'High tide', 1],
    ['Hello.\n\n# High tide', 'High tide', 3],
    ['![logo](a.png)\n\n## High tide', 'High tide', 3],
    ['<!--\n# not this\n-->\n# High tide', 'High tide', 4],
    ['```sh\n# not this\n```\n# High tide', 'High tide', 4],
    [
      '# **High** `tide` [at][x] ![noon](a.png) &amp; <b>after</b>\n\n[X]: y',
      'High tide at noon & after',
      1,
    ],
    ['# Not a [link]', 'Not a [link]', 1],
    ['# C# and snake\\_case', 'C# and snake_case', 1],
  ])('finds the title of %j', async (body, text, line) => {
    expect(await titleHeading(body)).toEqual({ text, line })
  })

  it.each([
    ['a section below a greeting', 'Hello.\n\n## Featured\n'],
    ['a section by an underline below a greeting', 'Hello.\n\nFeatured\n---\n'],
    ['a comment in code', '```sh\n# not this\n```\n'],
    ['indented code', '    # not this\n'],
    ['a hashtag', '#tide is a word\n'],
    ['a list above a thematic break', '- one\n---\n'],
    ['an empty heading', '#\n'],
  ])('takes no title from %s', async (_, body) => {
    expect(await titleHeading(body)).toBeUndefined()
  })
})

describe('titleFromName', () => {
  it.each([
    ['issue-536.markdown', 'Issue 536'],
    ['2020-11-4-this_week-in-rust.md', 'This week in rust'],
    ['2020-11-04.md', '2020-11-04'],
    ['ärger.md', 'Ärger'],
  ])('makes a title of %s', (name, title) => {
    expect(titleFromName(name)).toBe(title)
  })
})

describe('parseDate', () => {
  it.each([
    ['2013-06-07', '2013-06-07T00:00:00.000Z'],
    ['2013-06-07 18:46', '2013-06-07T18:46:00.000Z'],
    ['2020-11-4', '2020-11-04T00:00:00.000Z'],
    ['2020/11/04', '2020-11-04T00:00:00.000Z'],
    ['2026-03-01T09:30:00Z', '2026-03-01T09:30:00.000Z'],
    ['2026-03-01T09:30:15.1234+02:00', '2026-03-01T07:30:15.123Z'],
    ['2026-03-01 09:30:00 -0500', '2026-03-01T14:30:00.000Z'],
    ['Sun, 01 Mar 2026 09:30:00 GMT', '2026-03-01T09:30:00.000Z'],
    ['1 March 2026', '2026-03-01T00:00:00.000Z'],
    ['March 1, 2026', '2026-03-01T00:00:00.000Z'],
    ['2024-02-29', '2024-02-29T00:00:00.000Z'],
  ])('reads %s', (text, iso) => {
    expect(parseDate(text)).toBe(iso)
  })

  it.each([
    '',
    'tomorrow',
    '2026',
    '2026-02-30',
    '2026-13-01',
    '2026-00-10',
    '2026-03-01 24:00',
    '2026-03-01 09:60',
    '2026-03-01 09:30 XYZ',
    '2026-03-01T09:30+99:00',
    '0001-01-01',
    '1 Foo 2026',
    '9999-12-31T23:59:59-23:00',
  ])('does not read %j', (text) => {
    expect(parseDate(text)).toBeUndefined()
  })
})

describe('dateInName', () => {
  it('finds no date in longer numbers or impossible days', () => {
    expect(dateInName('12020-11-041')).toBeUndefined()
    expect(dateInName('2020-02-31-x')).toBeUndefined()
    expect(dateInName('letter-2020-11-04')?.date).toBe('2020-11-04T00:00:00.000Z')
  })
})
