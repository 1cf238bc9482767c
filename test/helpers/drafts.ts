import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Draft, DraftSource, SkippedDraft } from '../../src/sources/source.ts'
import type { ZipEntry } from './zip.ts'

/** Everything that a source has, by origin. */
export async function allOf(source: DraftSource | undefined) {
  const drafts = new Map<string, Draft>()
  const skipped = new Map<string, SkippedDraft>()
  for await (const it of source?.drafts({}) ?? []) {
    if ('draft' in it) drafts.set(it.origin, it.draft)
    else skipped.set(it.origin, it)
  }
  return { drafts, skipped }
}

/** The files of a folder as entries of a zip file. */
export async function entriesIn(folder: string, prefix = ''): Promise<ZipEntry[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((it) => it.isFile()).map((it) => join(it.parentPath, it.name))
  return Promise.all(
    files.toSorted().map(async (path) => ({
      name: `${prefix}${path.slice(folder.length + 1)}`,
      data: await readFile(path),
    })),
  )
}
