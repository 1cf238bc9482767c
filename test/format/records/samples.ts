import type { IssueRecord, NewsletterRecord } from '../../../src/format/records/record.ts'

export const RECOVERY_KEY = '94q5tmrmqwgpphhzdm9i1ri4e7khjwh386fx9racof3tnpj87hso'

/** A valid first record, for block 0. */
export function newsletterRecord(change: Partial<NewsletterRecord> = {}): NewsletterRecord {
  return {
    type: 'newsletter',
    title: 'Tide Tables',
    createdAt: '2026-03-01T09:30:00Z',
    recoveryKey: RECOVERY_KEY,
    previous: [],
    ...change,
  }
}

/** A valid issue record for block 2, with its body in block 1. */
export function issueRecord(change: Partial<IssueRecord> = {}): IssueRecord {
  return {
    type: 'issue',
    number: 1,
    title: 'Spring tides',
    publishedAt: '2026-03-02T07:00:00Z',
    body: { block: 1, blocks: 1, bytes: 79, mediaType: 'text/markdown' },
    attachments: [],
    previous: [0],
    profile: 0,
    ...change,
  }
}

/** Any JSON value as a block. */
export function blockOf(json: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(json))
}
