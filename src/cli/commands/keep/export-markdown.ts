import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Operations, Output } from '../../../api/contract/contract.ts'
import { hasCode, HyperletterError } from '../../../errors.ts'
import { writeHead } from '../../../sources/head.ts'
import { withheldByPath } from '../../../sources/unpublished-paths.ts'
import { slugOf } from '../../../render/file-name.ts'
import type { Context } from '../../context.ts'
import { makeDistinct, safeSegments, writeFiles } from '../../files.ts'
import { Progress } from '../../terminal/progress.ts'

type Issue = Output<'readIssue'>

export interface MarkdownExport {
  readonly feedKey: string
  readonly title: string
  readonly folder: string
  readonly issues: number
  readonly files: number
  /** Issues that were not written, and why. */
  readonly skipped: readonly { number: number; code: string; message: string }[]
  readonly warnings: readonly string[]
}

interface Options {
  readonly newsletter: string
  /** Absolute. */
  readonly folder: string
  readonly since: number
  readonly force: boolean
}

/**
 * Writes each issue as a Markdown file with a head, and its files beside it as its text names them, in a folder of its
 * own: `import` makes the same issues of them. Each issue is written whole or not at all; equal files stay.
 * @throws INVALID_INPUT if a file with other contents is in the way; ISSUE_NOT_FOUND if there is none; DISK_FULL.
 */
export async function exportMarkdown(
  context: Context,
  operations: Operations,
  { newsletter, folder, since, force }: Options,
): Promise<MarkdownExport> {
  using progress = new Progress(context, 'exporting')
  const { signal } = context.io
  const listed = await operations.listIssues({ newsletter }, { signal })
  const wanted = listed.filter((it) => it.number >= since).toReversed()
  const [first] = wanted
  if (first === undefined) {
    throw new HyperletterError('ISSUE_NOT_FOUND', 'There is no issue to export.')
  }
  const { feedKey, newsletter: title } = first
  const existing = await readdir(folder).catch((): string[] => [])
  const skipped: MarkdownExport['skipped'][number][] = []
  const warnings: string[] = []
  let files = 0
  for (const [done, { number }] of wanted.entries()) {
    progress.update({ done, total: wanted.length })
    try {
      const issue = await operations.readIssue({ newsletter, number }, { signal })
      if (issue.retracted !== undefined) {
        skipped.push({ number, code: 'ISSUE_NOT_FOUND', message: 'it was retracted' })
        continue
      }
      const { paths, renamed } = placesOf(issue)
      for (const name of renamed) {
        const why = 'cannot be a file name here; its text will not find it.'
        warnings.push(`Issue ${number}: "${name}" ${why}`)
      }
      const contents = [
        [Buffer.from(`${writeHead(issue)}${issue.markdown}`)],
        ...issue.attachments.map(({ name }) =>
          operations.readAttachment({ newsletter, number, name }, { signal }),
        ),
      ]
      const target = join(folder, folderOf(issue, existing))
      const toWrite = contents.map((bytes, at) => ({ segments: paths[at] ?? [], bytes }))
      const written = await writeFiles(target, toWrite, { force, signal })
      files += written.length
    } catch (error) {
      if (!hasCode(error, 'NOT_AVAILABLE', 'TIMEOUT')) throw error
      skipped.push({ number, code: error.code, message: error.message })
    }
  }
  return {
    feedKey,
    title,
    folder,
    issues: wanted.length - skipped.length,
    files,
    skipped,
    warnings,
  }
}

// An amended issue keeps its folder even if its title changed. A title may be a word by which an import leaves a folder
// out: `0003-drafts`.
function folderOf({ number, title }: Issue, existing: readonly string[]): string {
  const prefix = String(number).padStart(4, '0')
  const slug = slugOf(title)
  const name = slug === '' ? prefix : `${prefix}-${slug}`
  const isImported = (it: string) => withheldByPath(`${it}/index.md`) === undefined
  return (
    existing.find((it) => (it.startsWith(`${prefix}-`) || it === prefix) && isImported(it)) ??
    (isImported(name) ? name : prefix)
  )
}

/** Where the text of an issue and each of its attachments go, so that the text finds them as it names them. */
function placesOf({ markdown, attachments }: Issue) {
  const names = attachments.map(({ name }) => name)
  const ups = names.map((name) => upsOf(markdown, name))
  const depth = Math.max(0, ...ups)
  const below = (levels: number) => Array.from({ length: levels }, () => 'text')
  const files = names.map((name, at) => [...below(depth - (ups[at] ?? 0)), ...segmentsOf(name)])
  const text = [...below(depth), 'index.md']
  const exact = [text, ...files]
  const isExact = process.platform !== 'win32' && process.platform !== 'darwin'
  const paths = isExact ? exact : makeDistinct(exact)
  const renamed = names.filter((name, at) => !paths[at + 1]?.join('/').endsWith(name))
  return { paths, renamed }
}

const UPWARDS = /(?:^|[\s(<"'=[])(?:\.\/)?((?:\.\.\/)+)$/

/** How many folders upwards a text looks for an attachment. */
function upsOf(markdown: string, name: string): number {
  for (const written of [name, encodeURI(name), name.replaceAll(' ', '%20')]) {
    for (let at = markdown.indexOf(written); at >= 0; at = markdown.indexOf(written, at + 1)) {
      const ups = UPWARDS.exec(markdown.slice(Math.max(0, at - 255), at))?.[1]
      if (ups !== undefined) return ups.length / 3
    }
  }
  return 0
}

// On most systems, a file may have almost any name; what is hidden, or drives a terminal, is harmful everywhere.
function segmentsOf(name: string): string[] {
  const segments = name.split('/')
  const isHarmless = segments.every((it) => /^(?!\.)[^\p{Cc}\p{Cf}\p{Cs}]{1,80}$/u.test(it))
  return isHarmless && process.platform !== 'win32' ? segments : safeSegments(name)
}
