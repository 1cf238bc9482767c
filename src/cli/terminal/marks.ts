import type { Style } from './style.ts'
import type { Cell } from './table.ts'

/** What the marks before an issue mean. */
export const ISSUE_LEGEND = '● unread   ○ not on this machine yet'

/** The mark before an issue in a list. */
export function issueMark(issue: { read: boolean; held: boolean }, style: Style): Cell {
  if (!issue.held) return { text: '○', style: style.yellow }
  return { text: issue.read ? '' : '●', style: style.green }
}
