import { basename, dirname } from 'node:path'
import { defined } from '../../defined.ts'
import type { LocatedIssue } from '../../format/feed.ts'
import { parseDraft, readDraft, type FileOptions } from '../../sources/markdown-file.ts'
import { linkPosts } from '../../sources/post-links.ts'
import type { Draft } from '../../sources/source.ts'
import { withheldByDate, withheldByPath, type Withheld } from '../../sources/unpublished.ts'
import type { ParsedInput } from '../contract/contract.ts'
import type { PublishedIssues } from './published-issues.ts'

type Source = ParsedInput<'publishIssue'>['draft']

/** The draft that a caller names or sends. @throws INVALID_DRAFT, TOO_LARGE */
export async function loadDraft(
  source: Source,
  options: Pick<FileOptions, 'onLookUp'> = {},
): Promise<Draft> {
  const include = new Set(source.include)
  const given = { include, keepLocation: source.keepLocation, ...options }
  const draft =
    'file' in source
      ? await readDraft(source.file, given)
      : await parseDraft(source.markdown, { ...given, ...defined({ folder: source.folder }) })
  // A single text has no other posts to link to: a warning names each link that loses its target.
  return linkPosts([{ origin: '', draft }])[0]?.draft ?? draft
}

/** Why a draft is not to be published, or not now, as its head, its place, its name or its date says. */
export function withheldFor(source: Source, draft: Draft): Withheld[] {
  const found = [markedByPath(source), draft.withheld, withheldByDate(draft)]
  return found.filter(
    (it): it is Withheld => it !== undefined && source.include?.includes(it.kind) !== true,
  )
}

// Many publish from a folder of drafts, file by file.
function markedByPath(source: Source): Withheld | undefined {
  if (!('file' in source)) return undefined
  const found = withheldByPath(`${basename(dirname(source.file))}/${basename(source.file)}`)
  return found && { ...found, message: `${basename(source.file)}: ${found.message}.` }
}

/** The issue that a draft is already: the same title and text, and the same date where it has one of its own. */
export async function issueOf(
  draft: Draft,
  issues: PublishedIssues,
): Promise<LocatedIssue | undefined> {
  const found = await issues.ofEqualText(draft)
  return found?.record.title === draft.title ? found : undefined
}
