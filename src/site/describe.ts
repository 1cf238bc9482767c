import { defined } from '../defined.ts'
import type { Newsletter, Support } from '../format/records/bodies.ts'
import { newestEdition, type Edition, type LocatedIssue } from '../format/history/corrections.ts'

/** What pages and lists say of an issue, from its records. */

/** Of one edition, above its text. */
export function describeEdition(located: LocatedIssue, { index, record }: Edition) {
  const { amendments, retraction, record: issue } = located
  const { title, summary, authors, tags, language } = record
  const { publishedAt, importedFrom } = issue
  return {
    number: issue.number,
    title,
    publishedAt,
    editions: amendments.length + 1,
    editionBlock: index,
    ...defined({ authors, tags, language, importedFrom }),
    ...(retraction === undefined && defined({ summary })),
    ...(record.type === 'amendment' && {
      amendedAt: record.amendedAt,
      ...defined({ note: record.note }),
    }),
    ...(retraction !== undefined && {
      retracted: {
        at: retraction.record.retractedAt,
        ...defined({ reason: retraction.record.reason }),
      },
    }),
  }
}

/** Of the newest edition, in a list. */
export function describeInList(located: LocatedIssue) {
  const { number, publishedAt, importedFrom } = located.record
  const { retraction, amendments } = located
  const { index, record } = newestEdition(located)
  return {
    number,
    title: record.title,
    publishedAt,
    editionBlock: index,
    ...(retraction === undefined && defined({ summary: record.summary })),
    ...defined({
      importedFrom,
      amendedAt: amendments[0]?.record.amendedAt,
      retractedAt: retraction?.record.retractedAt,
    }),
  }
}

/** The ways to support an author, without what later versions say of them. */
export function supportOf({ support }: Pick<Newsletter, 'support'>): Support[] | undefined {
  return support?.map(({ uri, label }) => ({ uri, ...defined({ label }) }))
}
