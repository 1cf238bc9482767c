import { lossesOf } from '../../render/markdown/losses.ts'
import { isShownAs } from '../../sources/media-types.ts'
import type { Draft, DraftAttachment } from '../../sources/source.ts'
import type { Output } from '../contract/contract.ts'

type Warning = Extract<Output<'publishIssue'>, { event: 'warning' }>['warning']

/**
 * What readers will not see as it was written, in the order of its lines: what was found when the draft was read, what of its
 * text is left out or replaced, and pictures whose bytes are not what their names say.
 * @param isShown reads a picture and says whether browsers show it.
 */
export async function findingsOf(draft: Draft, isShown = isWhatItsNameSays): Promise<Warning[]> {
  const above = (draft.bodyLine ?? 1) - 1
  const found: Warning[] = [
    ...draft.warnings,
    ...lossesOf(draft.markdown).map((it) => ({ ...it, line: it.line + above })),
  ]
  for (const it of draft.attachments) {
    if (await isShown(it)) continue
    const message = `The image "${it.name}" is no ${it.mediaType.replace('image/', '')} file, or a damaged one: browsers do not show it.`
    found.push({ kind: 'unshown-picture', message })
  }
  return found.toSorted((a, b) => (a.line ?? Infinity) - (b.line ?? Infinity))
}

export async function isWhatItsNameSays(it: DraftAttachment): Promise<boolean> {
  return isShownAs(it.mediaType, await it.open())
}
