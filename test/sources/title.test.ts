import { describe, expect, it } from 'vitest'
import {
  dateInName,
  dateInPath,
  monthInPath,
  parseDate,
  parseMonth,
} from '../../src/sources/date.ts'
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
    ['posts/2017-01-01-neap-tide/index.md', 'Neap tide'],
    ['index.md', 'Index'],
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
    ['2020-01-02 10:00 AEDT', '2020-01-01T23:00:00.000Z'],
    ['2020-01-09 12:00 CET', '2020-01-09T11:00:00.000Z'],
    ['2020-01-02 10:00:00 GMT+2', '2020-01-02T08:00:00.000Z'],
    ['2020-01-02 10:00:00 + 0200', '2020-01-02T08:00:00.000Z'],
    ['2020-01-02T10:00:00+1:00', '2020-01-02T09:00:00.000Z'],
    ['2020-01-02T24:00:00', '2020-01-03T00:00:00.000Z'],
    ['2013-12-24-17:49', '2013-12-24T17:49:00.000Z'],
    ['2020-02-09 08:56 PM', '2020-02-09T20:56:00.000Z'],
    ['2020-02-09 12:05am', '2020-02-09T00:05:00.000Z'],
    ['Feb 3rd, 2020', '2020-02-03T00:00:00.000Z'],
    ['12th December 1984', '1984-12-12T00:00:00.000Z'],
    ['13.02.2020', '2020-02-13T00:00:00.000Z'],
    ['02/13/2020', '2020-02-13T00:00:00.000Z'],
    ['13/02/2020', '2020-02-13T00:00:00.000Z'],
    ['3 mars 2020', '2020-03-03T00:00:00.000Z'],
    ['3. März 2020', '2020-03-03T00:00:00.000Z'],
    ['3 de marzo de 2020', '2020-03-03T00:00:00.000Z'],
    ['2 января 2020', '2020-01-02T00:00:00.000Z'],
    ['2020年1月2日', '2020-01-02T00:00:00.000Z'],
    ['2020-W05', '2020-01-27T00:00:00.000Z'],
    ['20200102', '2020-01-02T00:00:00.000Z'],
    ['1577934245', '2020-01-02T03:04:05.000Z'],
    ['Thu Jan 02 2020 10:00:00 GMT+0200 (Central European Time)', '2020-01-02T08:00:00.000Z'],
    ['Thu Jan  2 10:00:00 CET 2020', '2020-01-02T09:00:00.000Z'],
    // Go, Java, a place, and what mail and editors make of dates.
    ['2020-01-05 00:00:00 +0000 UTC', '2020-01-05T00:00:00.000Z'],
    ['2020-01-05 18:30:00 +0900 JST', '2020-01-05T09:30:00.000Z'],
    ['2020-01-05T09:30:00+01:00[Europe/Paris]', '2020-01-05T08:30:00.000Z'],
    ['2020-07-05 09:30 America/New_York', '2020-07-05T13:30:00.000Z'],
    ['20200105T093000Z', '2020-01-05T09:30:00.000Z'],
    ['Sun, 5 Jan 20 09:30 EST', '2020-01-05T14:30:00.000Z'],
    ['5 Jan 99', '1999-01-05T00:00:00.000Z'],
    ['05.01.2020 09:30 Uhr', '2020-01-05T09:30:00.000Z'],
    ['2020年1月5日 9時30分', '2020-01-05T09:30:00.000Z'],
    ['2020. 1. 5.', '2020-01-05T00:00:00.000Z'],
    ['5 января 2020 г.', '2020-01-05T00:00:00.000Z'],
    ['9:30 AM, January 5, 2020', '2020-01-05T09:30:00.000Z'],
    ['2020–01–05T09:30:00−05:00', '2020-01-05T14:30:00.000Z'],
    ['[[2020-01-05]]', '2020-01-05T00:00:00.000Z'],
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
    '2026-03-01 24:01',
    '02/03/2020',
    '31.04.2026',
    '2026-W54',
    '2026-03-01 13:00 PM',
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

describe('parseMonth', () => {
  it.each(['2019-03', 'March 2019', 'mars de 2019', '03/2019', '2019年3月', '2019 Mar.'])(
    'reads %s as its first day',
    (text) => {
      expect(parseMonth(text)).toBe('2019-03-01T00:00:00.000Z')
    },
  )

  it('reads a year of our time, and nothing else', () => {
    expect(parseMonth('2019')).toBe('2019-01-01T00:00:00.000Z')
    for (const text of ['1019', '2019-13', 'Foo 2019', '20193', 'March'])
      expect(parseMonth(text)).toBeUndefined()
  })
})

describe('monthInPath', () => {
  it.each(['2019/03/flood', '2019-03-flood', 'letters/012-2019-Mar', 'march_2019/index'])(
    'finds the month in %s',
    (path) => expect(monthInPath(path)).toBe('2019-03-01T00:00:00.000Z'),
  )

  it.each(['2019/03', '2019/flood', '2015-market', '2019-20-season', 'maybe-2015', '12019-03'])(
    'finds none in %s',
    (path) => expect(monthInPath(path)).toBeUndefined(),
  )
})

describe('dateInName', () => {
  it.each([
    ['content/2019/03/04/flood', '2019-03-04'],
    ['content/2019/03/04-flood', '2019-03-04'],
    ['posts/2017-01-01-neap/index', '2017-01-01'],
    ['2018-01-01/2019-02-02-neap', '2019-02-02'],
  ])('finds the date in the path %s', (path, day) => {
    expect(dateInPath(path)).toBe(`${day}T00:00:00.000Z`)
  })

  it('finds no date in longer numbers or impossible days', () => {
    expect(dateInName('12020-11-041')).toBeUndefined()
    expect(dateInName('2020-02-31-x')).toBeUndefined()
    expect(dateInName('letter-2020-11-04')?.date).toBe('2020-11-04T00:00:00.000Z')
  })
})
