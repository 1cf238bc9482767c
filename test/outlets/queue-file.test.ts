import { expect, test } from 'vitest'
import { missedSince, newestOf } from '../../src/outlets/queue-file.ts'
import { arrived } from '../helpers/arrivals.ts'

const issue = (number: number, newestBlock = 10 * number) => arrived({ number, newestBlock })

test('what is behind a gap is given again, until the gap is closed', () => {
  const first = newestOf([issue(1), issue(2)], undefined)
  expect(first).toEqual({ number: 2, block: 20 })
  // The newest record arrives first.
  const gap = newestOf([issue(5), issue(2), issue(1)], first)
  expect(gap).toEqual(first)
  expect([1, 2, 3, 4, 5].filter((it) => missedSince(gap, issue(it)).length > 0)).toEqual([3, 4, 5])
  expect(newestOf([issue(4), issue(3), issue(5)], gap)).toEqual({ number: 5, block: 50 })
  // One that never arrives holds up no more than what is remembered as sent.
  expect(newestOf([issue(200)], first).number).toBe(200)
})

test('a correction is missed if its block is newer than what was queued', () => {
  const before = newestOf([issue(1), issue(2)], undefined)
  expect(missedSince(before, issue(1, 21))).toMatchObject([{ event: 'corrected', number: 1 }])
  expect(missedSince(before, issue(1, 15))).toEqual([])
  expect(missedSince({ number: 2, block: undefined }, issue(1, 99))).toEqual([])
})
