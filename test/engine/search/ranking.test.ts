import { expect, it } from 'vitest'
import { allowedMistakes, isSimilar } from '../../../src/engine/search/query.ts'

it.each([
  ['tide', 'tde', 1],
  ['tide', 'tiide', 1],
  ['tide', 'tidy', 1],
  ['tide', 'tdie', 1],
  ['kitten', 'sitting', 3],
  ['', 'ab', 2],
])('counts what parts %s from %s as %i', (a, b, mistakes) => {
  expect(isSimilar(a, b, mistakes)).toBe(true)
  expect(isSimilar(b, a, mistakes)).toBe(true)
  expect(isSimilar(a, b, mistakes - 1)).toBe(false)
})

it('takes a word for like itself', () => {
  expect(isSimilar('tide', 'tide', 0)).toBe(true)
})

it('allows more mistakes in long words', () => {
  expect(allowedMistakes('harbour')).toBe(1)
  expect(allowedMistakes('lighthouse')).toBe(2)
})
