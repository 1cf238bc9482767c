import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { copyFile, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { basename, dirname, extname, join } from 'node:path'
import { makeDirectory } from '../atomic-file.ts'
import { HyperletterError, invalidInput } from '../errors.ts'
import { MAX_ATTACHMENTS } from '../format/records/bodies.ts'
import { safeFileName } from '../render/file-name.ts'
import { isOutside, readDraft } from '../sources/markdown-file.ts'
import { withoutDataPictures } from '../sources/data-pictures.ts'
import { checkDraftSize, checkDraftText, checkTextSize, decodeDraft } from '../sources/text.ts'
import { WITHHELD_KINDS } from '../sources/source.ts'
import { onStore } from '../storage-errors.ts'

/** A file that a browser sent, or one of an issue. */
export interface UploadedFile {
  /** Whatever it was called there. */
  readonly name: string
  readonly size: number
  readonly arrayBuffer: () => Promise<ArrayBuffer>
}

/** Files of one draft: its text and what travels with it. */
const MAX_FILES = MAX_ATTACHMENTS + 1

/** What a draft that was typed is called. */
const TYPED = 'draft.md'

const TEXT_NAME = /\.(?:md|markdown|mdown|mkd|txt)$/i

/** Drafts that browsers sent, each in a folder of its own for this user alone, until they are published or given up. */
export class Uploads {
  readonly #dir: string

  /** @param dir need not be there yet */
  constructor(dir: string) {
    this.#dir = dir
  }

  /** Removes what is left from before: whoever showed it has ended. What cannot be removed stays. */
  async clear(): Promise<void> {
    await rm(this.#dir, { recursive: true, force: true }).catch(() => undefined)
  }

  /**
   * Keeps a draft: the one text among the files, or else what was typed.
   * @returns the path of its text
   * @throws INVALID_INPUT, TOO_LARGE, INVALID_DRAFT, DISK_FULL; then nothing is kept
   */
  async add(files: readonly UploadedFile[], typed: string): Promise<string> {
    const folder = join(this.#dir, randomBytes(8).toString('hex'))
    try {
      return await this.#write(folder, files, typed)
    } catch (error) {
      await rm(folder, { recursive: true, force: true })
      throw error
    }
  }

  /** Keeps a copy of an issue, each file where its text looks for it. @returns the path of its text */
  async take(text: string, files: readonly UploadedFile[]): Promise<string> {
    const path = await this.add([], text)
    try {
      for (const it of files) {
        const at = join(dirname(path), it.name)
        if (isOutside(dirname(path), at)) continue
        await makeDirectory(dirname(at))
        await onStore(async () => writeFile(at, new Uint8Array(await it.arrayBuffer())))
      }
      return path
    } catch (error) {
      await this.remove(path)
      throw error
    }
  }

  /** Replaces the text of a draft, and files of the same names. @returns the path of its text */
  async change(path: string, files: readonly UploadedFile[], typed: string): Promise<string> {
    return this.#write(dirname(path), files, typed, path)
  }

  /** Says that the text is of this moment: that is the date of its issue unless it has one of its own. */
  async date(path: string): Promise<void> {
    await utimes(path, new Date(), new Date())
  }

  async remove(path: string): Promise<void> {
    await rm(dirname(path), { recursive: true, force: true })
  }

  async #write(
    folder: string,
    files: readonly UploadedFile[],
    typed: string,
    before?: string,
  ): Promise<string> {
    if (files.length > MAX_FILES)
      throw new HyperletterError('TOO_LARGE', `A draft has at most ${MAX_FILES} files.`)
    const texts = files.filter((it) => TEXT_NAME.test(it.name))
    if (texts.length > 1) {
      throw invalidInput('There is more than one text.', {
        hint: 'Choose one Markdown file and its pictures. `hyperletter import` takes a whole folder.',
      })
    }
    const [text] = texts
    if (text === undefined && typed.trim() === '') {
      throw invalidInput('There is no text.', {
        hint: 'Choose a Markdown file, with its pictures, or write the text here.',
      })
    }
    if (text !== undefined) checkDraftSize(text.size)
    else checkDraftText(typed)
    const words = text === undefined ? typed : Buffer.from(await text.arrayBuffer()).toString()
    checkTextSize(withoutDataPictures(words).text)
    const path = text === undefined ? (before ?? join(folder, TYPED)) : join(folder, nameOf(text))
    await makeDirectory(folder)
    await onStore(async () => {
      for (const it of files) {
        const bytes = new Uint8Array(await it.arrayBuffer())
        await writeFile(join(folder, nameOf(it)), bytes, { mode: 0o600 })
      }
      if (text === undefined) await writeFile(path, typed, { mode: 0o600 })
      if (before !== undefined && before !== path) await rm(before, { force: true })
      await place(path)
    })
    return path
  }
}

/** The text of a draft as it can be typed on; undefined where it is none. */
export async function textOf(path: string): Promise<string | undefined> {
  try {
    return withLineFeeds(decodeDraft(await readFile(path)))
  } catch {
    return undefined
  }
}

/** Forms send the ends of lines as CR LF. */
export function withLineFeeds(text: string): string {
  return text.replaceAll('\r\n', '\n')
}

// Browsers say no folders: a file goes to where the text looks for one of its name.
async function place(path: string): Promise<void> {
  const folder = dirname(path)
  const wanted = new Set<string>()
  const onLookUp = (it: string) => void wanted.add(it)
  await readDraft(path, { include: new Set(WITHHELD_KINDS), onLookUp }).catch(() => undefined)
  for (const it of wanted) {
    const sent = join(folder, safeFileName(basename(it)))
    if (isOutside(folder, it) || !existsSync(sent) || dirname(it) === folder) continue
    await makeDirectory(dirname(it))
    await copyFile(sent, it)
  }
}

function nameOf({ name }: UploadedFile): string {
  const safe = safeFileName(name.split(/[/\\]/).at(-1) ?? '')
  return extname(safe) === '' && TEXT_NAME.test(name) ? TYPED : safe
}
