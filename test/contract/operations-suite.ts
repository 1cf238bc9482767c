import { describe } from 'vitest'
import { boundsTests } from './bounds.ts'
import { correctingTests } from './correcting.ts'
import { followingTests } from './following.ts'
import { importingOpmlTests } from './importing-opml.ts'
import { keepingTests } from './keeping.ts'
import { previewingTests } from './previewing.ts'
import { publishingTests } from './publishing.ts'
import { readingTests } from './reading.ts'
import { schedulingTests } from './scheduling.ts'
import { searchingTests } from './searching.ts'
import { restoringTests } from './restoring.ts'
import type { Subject } from './subject.ts'

/** Registers everything that callers may rely on, whether the work runs in this process or elsewhere. */
export function operationsSuite(subject: Subject): void {
  describe('publishing', () => {
    publishingTests(subject)
  })
  describe('previewing', () => {
    previewingTests(subject)
  })
  describe('scheduling', () => {
    schedulingTests(subject)
  })
  describe('reading', () => {
    readingTests(subject)
  })
  describe('searching', () => {
    searchingTests(subject)
  })
  describe('correcting', () => {
    correctingTests(subject)
  })
  describe('following', () => {
    followingTests(subject)
  })
  describe('importing OPML', () => {
    importingOpmlTests(subject)
  })
  describe('keeping', () => {
    keepingTests(subject)
  })
  describe('restoring', () => {
    restoringTests(subject)
  })
  describe('what is refused', () => {
    boundsTests(subject)
  })
}
