import fc from 'fast-check'
import { expect, test } from 'vitest'
import { resolveDuplicate, type Rival } from '../../src/peers/patched-hyperswarm.ts'

const rival = (isTcp: boolean, isInitiator: boolean, ageMs = 0) => ({ isTcp, isInitiator, ageMs })
const mirrored = ({ isTcp, isInitiator }: Rival) => rival(isTcp, !isInitiator)

test('two connections over UDX are left to the stack', () => {
  expect(resolveDuplicate(rival(false, true), rival(false, false), true)).toBe('stack')
})

test('TCP takes the place of UDX, and UDX waits whether TCP is still alive', () => {
  for (const isInitiator of [true, false]) {
    expect(resolveDuplicate(rival(false, isInitiator), rival(true, !isInitiator), true)).toBe(
      'replace',
    )
    expect(resolveDuplicate(rival(true, isInitiator), rival(false, !isInitiator), true)).toBe(
      'wait',
    )
  }
})

test('of two calls over TCP at the same moment both sides keep the same one, whichever each saw first', () => {
  fc.assert(
    fc.property(fc.boolean(), fc.boolean(), fc.boolean(), (mine, hasGreaterKey, sameOrder) => {
      const [first, second] = [rival(true, mine), rival(true, !mine)]
      const keptHere =
        resolveDuplicate(first, second, hasGreaterKey) === 'replace'
          ? second.isInitiator
          : first.isInitiator
      const [seen, then] = (sameOrder ? [first, second] : [second, first]).map(mirrored) as [
        ReturnType<typeof rival>,
        ReturnType<typeof rival>,
      ]
      const keptThere =
        resolveDuplicate(seen, then, !hasGreaterKey) === 'replace'
          ? then.isInitiator
          : seen.isInitiator
      expect(keptThere).toBe(!keptHere)
    }),
  )
})

test('who calls over TCP though there is such a connection has lost it', () => {
  const old = 60_000
  for (const hasGreaterKey of [true, false]) {
    expect(resolveDuplicate(rival(true, false), rival(true, false), hasGreaterKey)).toBe('replace')
    expect(resolveDuplicate(rival(true, true, old), rival(true, false), hasGreaterKey)).toBe(
      'replace',
    )
    expect(resolveDuplicate(rival(true, false, old), rival(true, true), hasGreaterKey)).toBe(
      'refuse',
    )
  }
})
