import { describe } from 'vitest'
import { boundsTests } from './bounds.ts'
import { followingTests } from './following.ts'
import { publishingTests } from './publishing.ts'
import { readingTests } from './reading.ts'
import type { Subject } from './subject.ts'

/** Registers everything that callers may rely on, whether the work runs in this process or elsewhere. */
export function operationsSuite(subject: Subject): void {
  describe('publishing', () => {
    publishingTests(subject)
  })
  describe('reading', () => {
    readingTests(subject)
  })
  describe('following', () => {
    followingTests(subject)
  })
  describe('what is refused', () => {
    boundsTests(subject)
  })
}
