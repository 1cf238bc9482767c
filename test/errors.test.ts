import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { codeOf, ERROR_CODES, hasCode, HyperletterError, type ErrorCode } from '../src/errors.ts'

const CODES = Object.keys(ERROR_CODES) as ErrorCode[]
const code = fc.constantFrom(...CODES)

function overTheSocket(error: HyperletterError): HyperletterError {
  return HyperletterError.fromJSON(JSON.parse(JSON.stringify(error)))
}

describe('the code table', () => {
  test('gives each code its exit code', () => {
    expect(Object.fromEntries(CODES.map((it) => [it, ERROR_CODES[it].exitCode]))).toEqual({
      INVALID_INPUT: 2,
      INVALID_DRAFT: 1,
      INVALID_LINK: 2,
      INVALID_RECORD: 1,
      INVALID_BUNDLE: 1,
      INVALID_LOG: 1,
      INVALID_STATEMENT: 1,
      NEWSLETTER_NOT_FOUND: 1,
      NOT_AUTHOR: 1,
      FEED_CONFLICT: 1,
      FEED_BEHIND: 3,
      ISSUE_NOT_FOUND: 1,
      NOT_AVAILABLE: 3,
      NEEDS_KEY: 1,
      TOO_LARGE: 1,
      DISK_FULL: 1,
      READ_ONLY: 1,
      DISK_FAILED: 1,
      STORE_DAMAGED: 1,
      LIBRARY_DAMAGED: 1,
      KEY_DAMAGED: 1,
      MISSING_LIBRARY: 1,
      OUTPUT_FAILED: 1,
      STORE_BUSY: 3,
      DAEMON_NOT_RUNNING: 3,
      DAEMON_NOT_ANSWERING: 3,
      DAEMON_ALREADY_RUNNING: 1,
      PROTOCOL_MISMATCH: 1,
      TIMEOUT: 3,
      ABORTED: 130,
      INTERNAL: 1,
    })
  })

  test('gives each code an HTTP status of a failure', () => {
    for (const { httpStatus } of Object.values(ERROR_CODES)) {
      expect(httpStatus).toBeGreaterThanOrEqual(400)
      expect(httpStatus).toBeLessThan(600)
    }
  })
})

describe('an error over the socket', () => {
  test('keeps code, message and hint', () => {
    fc.assert(
      fc.property(
        code,
        fc.string(),
        fc.option(fc.string(), { nil: undefined }),
        (it, message, hint) => {
          const error = new HyperletterError(it, message, hint === undefined ? {} : { hint })
          const again = overTheSocket(error)
          expect(again.toJSON()).toEqual(error.toJSON())
          expect([again.exitCode, again.httpStatus]).toEqual([error.exitCode, error.httpStatus])
        },
      ),
    )
  })

  test('keeps neither stack nor cause', () => {
    const cause = new Error('secret')
    const json = JSON.stringify(new HyperletterError('INTERNAL', 'Failed.', { cause }))
    expect(Object.keys(JSON.parse(json) as object).toSorted()).toEqual(['code', 'hint', 'message'])
    expect(json).not.toContain('secret')
  })

  test.each([
    [{ code: 'NO_SUCH_CODE', message: 'x' }],
    [{ code: 'toString', message: 'x' }],
    [{ code: '__proto__', message: 'x' }],
    [{ code: 'TIMEOUT' }],
    [{ code: 'TIMEOUT', message: 7 }],
    [{ message: 'x' }],
    [{}],
    [[]],
    ['TIMEOUT'],
    [7],
    [null],
    [undefined],
  ])('becomes INTERNAL when it is %j', (json) => {
    expect(HyperletterError.fromJSON(json).code).toBe('INTERNAL')
  })

  test('becomes some error whatever arrives', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (json) => {
        expect(CODES).toContain(HyperletterError.fromJSON(json).code)
      }),
    )
  })

  test('drops a hint that is not text', () => {
    const error = HyperletterError.fromJSON({ code: 'TOO_LARGE', message: 'x', hint: { a: 1 } })
    expect(error.hint).toBeUndefined()
  })
})

describe('hints', () => {
  test('are the usual ones unless a better one is given', () => {
    expect(new HyperletterError('TIMEOUT', 'x').hint).toBe(ERROR_CODES.TIMEOUT.hint)
    expect(new HyperletterError('TIMEOUT', 'x', { hint: 'Wait.' }).hint).toBe('Wait.')
  })
})

describe('HyperletterError.from', () => {
  test('leaves its own errors as they are', () => {
    const error = new HyperletterError('TIMEOUT', 'x')
    expect(HyperletterError.from(error)).toBe(error)
  })

  test('calls an abort ABORTED', () => {
    expect(HyperletterError.from(AbortSignal.abort().reason).code).toBe('ABORTED')
  })

  test.each([[new TypeError('x')], ['x'], [undefined], [null], [{ code: 'TIMEOUT' }]])(
    'calls anything else INTERNAL: %s',
    (thrown) => {
      const error = HyperletterError.from(thrown)
      expect(error.code).toBe('INTERNAL')
      expect(error.cause).toBe(thrown)
    },
  )
})

describe('asking for a code', () => {
  test('knows our errors by any of several codes', () => {
    const error = new HyperletterError('TIMEOUT', 'x')
    expect(hasCode(error, 'ABORTED', 'TIMEOUT')).toBe(true)
    expect(hasCode(error, 'ABORTED')).toBe(false)
    expect(hasCode({ code: 'TIMEOUT' }, 'TIMEOUT')).toBe(false)
  })

  test('reads the code of any error that has one', () => {
    expect(codeOf(Object.assign(new Error('x'), { code: 'ENOENT' }))).toBe('ENOENT')
    for (const it of [new Error('x'), undefined, null, 'ENOENT', { code: 7 }]) {
      expect(codeOf(it)).toBeUndefined()
    }
  })
})
