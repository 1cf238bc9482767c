import type { Style } from './style.ts'
import type { Cell } from './table.ts'

/** What the marks before an issue mean. */
export const ISSUE_LEGEND = '● unread   ○ not on this machine yet   ★ starred'

/** The mark before an issue in a list. */
export function issueMark(
  { read, held, starred }: { read: boolean; held: boolean; starred: boolean },
  style: Style,
): Cell {
  const star = starred ? '★' : ''
  if (!held) return { text: `○${star}`, style: style.yellow }
  return { text: (read ? '' : '●') + star, style: read ? style.yellow : style.green }
}

/** The title of an issue in a list, with what became of it. */
export function markedTitle(issue: {
  readonly title: string
  readonly amendedAt?: string | undefined
  readonly retractedAt?: string | undefined
}): string {
  if (issue.retractedAt !== undefined) return `${issue.title} (retracted)`
  return issue.amendedAt === undefined ? issue.title : `${issue.title} (amended)`
}
