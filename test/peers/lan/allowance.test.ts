import { expect, test } from 'vitest'
import { AnswerBudget } from '../../../src/peers/lan/allowance.ts'

test('an allowance gives so many at once, and then so many a second', () => {
  let nowMs = 0
  const allowance = new AnswerBudget({ perSecond: 2, atOnce: 3 }, () => nowMs)
  const take = (times: number) => Array.from({ length: times }, () => allowance.take())

  expect(take(4)).toEqual([true, true, true, false])
  nowMs += 1_000
  expect(take(3)).toEqual([true, true, false])
  nowMs += 3_600_000
  expect(take(4)).toEqual([true, true, true, false])
})
