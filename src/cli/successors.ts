import type { Operations, Output } from '../api/contract/contract.ts'
import type { Context } from './context.ts'
import { nameOf } from './terminal/format.ts'

type Notices = Output<'takeNotices'>
type MaybeSucceeded = Pick<Output<'listNewsletters'>[number], 'feedKey' | 'title' | 'successor'>

/** What to tell the user once; nothing, and nothing is used up, where it would not be shown. */
export async function takeNotices(
  { io, options }: Context,
  operations: Operations,
): Promise<Notices> {
  if (options.json === true || options.quiet === true) return []
  return operations.takeNotices({}, { signal: io.signal })
}

/** Tells which newsletters continue elsewhere. */
export async function noteSuccessors(
  { out }: Context,
  newsletters: readonly MaybeSucceeded[],
): Promise<void> {
  for (const { feedKey, title, successor } of newsletters) {
    if (successor === undefined) continue
    const name = nameOf({ feedKey, title })
    // The link of a private one is a secret, and this is read over shoulders.
    const at = `hyperletter://${successor.feedKey}`
    await out.note(`${name} continues at ${at}, as its author signed with the recovery key.`)
  }
}
