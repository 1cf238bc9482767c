import { expect, expectTypeOf, test } from 'vitest'
import { defined } from '../src/defined.ts'

test('what has no value is left out, and everything else stays', () => {
  const title = undefined as string | undefined
  const made = defined({ title, number: 0, note: '', force: false, next: null })
  expect(Object.entries(made)).toStrictEqual([
    ['number', 0],
    ['note', ''],
    ['force', false],
    ['next', null],
  ])
})

test('a property that may be undefined is optional in the result', () => {
  const title: string | undefined = ['b'].at(0)
  const made = defined({ feed: 'a', title })
  expectTypeOf(made.feed).toEqualTypeOf<string>()
  expectTypeOf<{ feed: string }>().toExtend<typeof made>()
  expect(made).toStrictEqual({ feed: 'a', title: 'b' })
})
