import type { Output as OperationOutput } from '../api/contract/contract.ts'
import { quoteTitle, shortKey } from './terminal/format.ts'

type NewsletterStatus = OperationOutput<'status'>['newsletters'][number]

/** Whether others hold every block of a newsletter between them. */
export function isSafe({ newestCopies, olderCopies }: NewsletterStatus): boolean {
  return newestCopies > 0 && olderCopies > 0
}

/** The answer to what an author asks: may I close the laptop? Empty for newsletters of others, and without issues. */
export function copiesAnswer(it: NewsletterStatus): string {
  const { roles, issues, newestCopies, olderCopies } = it
  if (!roles.includes('author') || issues === 0) return ''
  const newest = `issue ${issues} of ${it.title === undefined ? shortKey(it.feedKey) : quoteTitle(it.title)}`
  if (isSafe(it)) {
    const others = `${newestCopies} ${newestCopies === 1 ? 'other' : 'others'}`
    const rest = issues > 1 ? `, everything before it by ${olderCopies}` : ''
    return `Safe to go offline: ${newest} is held in full by ${others}${rest}.\n`
  }
  const earlier = issues === 2 ? 'issue 1' : `issues 1 to ${issues - 1}`
  const rest = issues > 1 ? `; ${earlier} by ${someone(olderCopies)}` : ''
  return `Not safe to go offline: ${newest} is held by ${someone(newestCopies)}${rest}.\n`
}

function someone(copies: number): string {
  return copies === 0 ? 'nobody else yet' : String(copies)
}
