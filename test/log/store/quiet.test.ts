import { expect, test, vi } from 'vitest'
import { quietHypercore } from '../../../src/log/store/quiet.ts'

test('sends what libraries print to stderr, however often it is called', () => {
  const stdout = vi.spyOn(process.stdout, 'write')
  const error = vi.spyOn(console, 'error').mockImplementation(() => undefined)
  quietHypercore()
  quietHypercore()
  // oxlint-disable-next-line no-console
  console.log('[hypercore] conflict detected in %s', 'abc')
  expect(error.mock.calls).toEqual([['[hypercore] conflict detected in %s', 'abc']])
  expect(stdout).not.toHaveBeenCalled()
})
