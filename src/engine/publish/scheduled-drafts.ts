import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { makeDirectory, replaceSynced, sha256Of } from '../../atomic-file.ts'
import { attempt, HyperletterError, invalidInput } from '../../errors.ts'
import type { Draft, DraftAttachment } from '../../sources/source.ts'

/** Drafts that may wait at the same time; far more is a mistake of a script. */
const MAX_WAITING = 1_000

const REMEMBERED_MS = 7 * 24 * 60 * 60_000

const entry = z.looseObject({
  feedKey: z.string(),
  /** When it is to be published, ISO 8601 in UTC. */
  at: z.string(),
  /** Publish it even if its text is an issue already. */
  again: z.boolean().optional(),
  title: z.string(),
  publishedAt: z.string(),
  /** SHA-256 of the file with its contents, in hex. */
  hash: z.string(),
  sizeBytes: z.int().nonnegative(),
  attachments: z.int().nonnegative(),
  /** Length of the log when it was begun to be published: an issue behind that may be this one. */
  begunAt: z.int().nonnegative().optional(),
  /** Why it could not be published the last time. */
  problem: z.object({ code: z.string(), message: z.string() }).optional(),
  published: z.object({ number: z.int().positive(), at: z.string() }).optional(),
})

/** A draft that waits, or waited, for its time. */
export type ScheduledEntry = z.infer<typeof entry> & { readonly id: string }

const head = z.looseObject({
  draft: z.looseObject({}),
  attachments: z.array(
    z.object({
      name: z.string(),
      mediaType: z.string(),
      alt: z.string().optional(),
      sizeBytes: z.int().nonnegative(),
    }),
  ),
  markdownBytes: z.int().nonnegative(),
})

const ENTRY = '.json'
const CONTENTS = '.draft'

/**
 * Drafts that are published later, with everything that they need, so that the files they came from may change.
 * For each, two files for this user alone: its contents, written once (a line of JSON, then the text and the attachments),
 * and an entry. A draft waits from when its entry is on disk until its entry says otherwise.
 */
export class ScheduledDrafts {
  readonly #dir: string

  /** @param dir need not be there yet */
  constructor(dir: string) {
    this.#dir = dir
  }

  /** Once this resolves, the draft survives a power loss. @throws INVALID_INPUT, DISK_FULL, INVALID_DRAFT */
  async add(
    draft: Draft,
    where: Pick<ScheduledEntry, 'feedKey' | 'at' | 'again'>,
  ): Promise<ScheduledEntry> {
    await makeDirectory(this.#dir)
    if ((await this.list()).filter((it) => it.published === undefined).length >= MAX_WAITING)
      throw invalidInput(`${MAX_WAITING} drafts wait already.`)
    const id = randomBytes(4).toString('hex')
    const { markdown, attachments, warnings: _w, links: _l, addresses: _a, ...rest } = draft
    const text = Buffer.from(markdown)
    const files = await Promise.all(attachments.map((it) => it.open()))
    const shown = attachments.map(({ name, mediaType, alt }, at) => ({
      name,
      mediaType,
      alt,
      sizeBytes: files[at]?.byteLength ?? 0,
    }))
    const line = JSON.stringify({ draft: rest, attachments: shown, markdownBytes: text.byteLength })
    const parts = [Buffer.from(`${line}\n`), text, ...files]
    await replaceSynced(join(this.#dir, id + CONTENTS), parts)
    const added = {
      ...where,
      title: draft.title,
      publishedAt: draft.publishedAt,
      hash: sha256Of(parts),
      sizeBytes: [text, ...files].reduce((sum, it) => sum + it.byteLength, 0),
      attachments: files.length,
    }
    await this.update({ ...added, id })
    return { ...added, id }
  }

  /** Every draft that waits, soonest first, and what became of those of the last days. Removes what is left of others. */
  async list(): Promise<ScheduledEntry[]> {
    if (!existsSync(this.#dir)) return []
    const names = await readdir(this.#dir)
    const found: ScheduledEntry[] = []
    for (const name of names) {
      const id = name.slice(0, -ENTRY.length)
      if (!name.endsWith(ENTRY)) continue
      const text = await readFile(join(this.#dir, name), 'utf8')
      const parsed = entry.safeParse(attempt((): unknown => JSON.parse(text)))
      // Not one of this version: it stays for that which wrote it.
      if (!parsed.success) continue
      const { published } = parsed.data
      if (published !== undefined && Date.now() - Date.parse(published.at) > REMEMBERED_MS)
        await this.remove(id)
      else found.push({ ...parsed.data, id })
    }
    return found.toSorted((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0))
  }

  /** Replaces the entry of a draft; once this resolves, the change survives a power loss. @throws DISK_FULL */
  async update({ id, ...changed }: ScheduledEntry): Promise<void> {
    const text = `${JSON.stringify(changed)}\n`
    await replaceSynced(join(this.#dir, id + ENTRY), [Buffer.from(text)])
    if (changed.published !== undefined) await rm(join(this.#dir, id + CONTENTS), { force: true })
  }

  async remove(id: string): Promise<void> {
    // Without its entry, it does not wait any more.
    await rm(join(this.#dir, id + ENTRY), { force: true })
    await rm(join(this.#dir, id + CONTENTS), { force: true })
  }

  /** What is to be published. @throws INVALID_DRAFT if its file is damaged */
  async draft({ id, hash }: ScheduledEntry): Promise<Draft> {
    const bytes = await readFile(join(this.#dir, id + CONTENTS)).catch(() => Buffer.alloc(0))
    const end = bytes.indexOf('\n') + 1
    const line = bytes.toString('utf8', 0, end)
    const parsed = head.safeParse(attempt((): unknown => JSON.parse(line)))
    if (!parsed.success || sha256Of([bytes]) !== hash)
      throw new HyperletterError('INVALID_DRAFT', 'The file of the scheduled draft is damaged.', {
        hint: 'Cancel it with `hyperletter cancel`, and publish it again.',
      })
    const { draft, attachments, markdownBytes } = parsed.data
    let offset = end + markdownBytes
    const files = attachments.map(({ alt, ...it }): DraftAttachment => {
      const content = bytes.subarray(offset, (offset += it.sizeBytes))
      return { ...it, ...(alt !== undefined && { alt }), open: () => Promise.resolve(content) }
    })
    const markdown = bytes.toString('utf8', end, end + markdownBytes)
    return { ...(draft as unknown as Draft), markdown, attachments: files, warnings: [] }
  }
}
