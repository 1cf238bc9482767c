import { describe, expect, it } from 'vitest'
import { decodeRecord } from '../../../src/format/records/record.ts'
import { blockOf, issueRecord } from './samples.ts'

const decode = (change: object, index = 2) =>
  decodeRecord(blockOf({ hyperletter: 1, ...issueRecord(), ...change }), index)
const refused = expect.objectContaining({ code: 'INVALID_RECORD' }) as Error

describe('an issue record', () => {
  it('cannot be the first record', () => {
    expect(() => decode({ previous: [], profile: undefined }, 0)).toThrow(refused)
    expect(() => decode({ previous: [], profile: undefined })).toThrow(refused)
  })

  it('has a number of 1 or more', () => {
    expect(decode({ number: Number.MAX_SAFE_INTEGER })).toMatchObject({ type: 'issue' })
    for (const number of [0, -1, 1.5, 2 ** 60, '1', null]) {
      expect(() => decode({ number })).toThrow(refused)
    }
  })

  it('points back only, newest first', () => {
    expect(decode({ previous: [0] })).toMatchObject({ previous: [0] })
    for (const previous of [[2], [3], [1, 1], [0, 1], [-1], [0.5]]) {
      expect(() => decode({ previous })).toThrow(refused)
    }
  })

  it('names a profile that is one of its pointers or lies before them all', () => {
    const body = { ...issueRecord().body, block: 8 }
    expect(decode({ previous: [6, 4], profile: 4, body }, 9)).toMatchObject({ profile: 4 })
    expect(decode({ previous: [6, 4], profile: 2, body }, 9)).toMatchObject({ profile: 2 })
    for (const profile of [5, 7, 8, 9, 10]) {
      expect(() => decode({ previous: [6, 4], profile, body }, 9)).toThrow(refused)
    }
  })

  it('has a body of Markdown', () => {
    expect(() => decode({ body: { ...issueRecord().body, mediaType: 'text/html' } })).toThrow(
      refused,
    )
  })
})
