import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { rangesToCarry } from '../../../src/format/bundle/write.ts'
import type { LocatedIssue } from '../../../src/format/feed.ts'

/** An issue of a body of two blocks and an attachment of three, from block `at` on. */
function issueAt(at: number, isRetracted: boolean): LocatedIssue {
  const content = (block: number, blocks: number) => ({ block, blocks, bytes: 1, mediaType: 'a/b' })
  const record = {
    hyperletter: 1 as const,
    type: 'issue' as const,
    number: at,
    title: 'Tides',
    publishedAt: '2026-03-02T07:00:00Z',
    previous: [at - 1],
    profile: 0,
    body: content(at, 2),
    attachments: [{ name: 'a.png', ...content(at + 2, 3) }],
  }
  const located = { index: at + 5, record, amendments: [] }
  if (!isRetracted) return located
  const retraction = {
    hyperletter: 1 as const,
    type: 'retraction' as const,
    number: at,
    retractedAt: '2026-03-03T07:00:00Z',
    previous: [at + 5],
    profile: 0,
  }
  return { ...located, retraction: { index: at + 6, record: retraction } }
}

const end = Infinity

describe('what a bundle carries', () => {
  it('is everything', () => {
    expect(rangesToCarry({ issues: [issueAt(1, false)] }, { start: 0 })).toEqual([
      { start: 0, end },
    ])
  })

  it('is the first record, the newest profile and what is newer than the start', () => {
    const only = (index: number) => ({ start: index, end: index + 1 })
    expect(rangesToCarry({ issues: [] }, { start: 9, profile: 4 })).toEqual([
      only(0),
      only(4),
      { start: 9, end },
    ])
    expect(rangesToCarry({ issues: [] }, { start: 9, profile: 0 })).toEqual([
      only(0),
      { start: 9, end },
    ])
    expect(rangesToCarry({ issues: [] }, { start: 9, profile: 12 })).toEqual([
      only(0),
      { start: 9, end },
    ])
    expect(rangesToCarry({ issues: [] }, { start: 9 })).toEqual([only(0), { start: 9, end }])
  })

  it('is never the contents of an issue that was taken back', () => {
    const issues = [issueAt(21, true), issueAt(11, false), issueAt(1, true)]
    expect(rangesToCarry({ issues }, { start: 0 })).toEqual([
      { start: 0, end: 1 },
      { start: 6, end: 21 },
      { start: 26, end },
    ])
  })

  it('is in order and without overlaps', () => {
    const numbers = fc.integer({ min: 0, max: 60 })
    const issues = fc.array(fc.tuple(numbers, fc.boolean()), { maxLength: 6 })
    fc.assert(
      fc.property(issues, numbers, numbers, (places, start, profile) => {
        const found = places.map(([at, isRetracted]) => issueAt(at * 7 + 1, isRetracted))
        const ranges = rangesToCarry({ issues: found }, { start, profile })
        for (const [i, range] of ranges.entries()) {
          expect(range.start).toBeLessThan(range.end)
          expect(range.start).toBeGreaterThanOrEqual(ranges[i - 1]?.end ?? 0)
        }
      }),
    )
  })
})
