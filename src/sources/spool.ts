import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { growHeapBy } from '../heap.ts'
import type { Draft, DraftAttachment, FoundDraft } from './source.ts'

/** Texts and the pictures in them that stay in memory, in characters and bytes: most archives are smaller. */
const MAX_KEPT = 16 * 1024 * 1024

/**
 * Else garbage of the conversion alone, which V8 leaves until the heap has doubled, takes 300 MB. This costs no time that
 * could be measured; of large archives, every step counts.
 */
const GROWING_PERCENT = 50
const MANY_DRAFTS = 1_000
const GROWING_PERCENT_OF_MANY = 10
const LIMITED_MS = 10_000

/**
 * Keeps drafts until they are published; those of a large archive in a file, for it has more than fits in the memory. The
 * file has no name where the system allows it, and is gone with the process.
 */
export class Spool {
  readonly #parent: string
  /** Take away the limits of the heap. */
  readonly #unlimit: (() => void)[]
  #folder = ''
  #file = -1
  #drafts = 0
  #kept = 0
  readonly #inMemory: KeptDraft[] = []
  #bytes = 0

  /**
   * @param folder Where a temporary folder is made.
   * @param known Drafts that are published already, which take memory, too.
   */
  constructor(folder: string, known = 0) {
    this.#parent = folder
    this.#unlimit = [growHeapBy(known < MANY_DRAFTS ? GROWING_PERCENT : GROWING_PERCENT_OF_MANY)]
  }

  #open(): void {
    this.#folder = mkdtempSync(join(this.#parent, 'import-'))
    this.#file = openSync(join(this.#folder, 'texts'), 'wx+', 0o600)
    if (process.platform !== 'win32') rmSync(this.#folder, { recursive: true, force: true })
  }

  /** The draft, which is read each time that somebody looks at it, and so is its text. */
  keep(found: FoundDraft): FoundDraft {
    if (++this.#drafts === MANY_DRAFTS) this.#unlimit.push(growHeapBy(GROWING_PERCENT_OF_MANY))
    const kept = new KeptDraft(found)
    this.#inMemory.push(kept)
    this.#kept += found.draft.markdown.length
    for (const { bytes } of found.draft.attachments) this.#kept += bytes?.byteLength ?? 0
    if (this.#kept <= MAX_KEPT) return kept
    if (this.#file < 0) this.#open()
    for (const it of this.#inMemory.splice(0)) it.place = this.#write(it.draft)
    return kept
  }

  #write({ markdown, attachments, ...head }: Draft): Place {
    const json = JSON.stringify(head)
    const file = this.#file
    const start = this.#append(Buffer.from(json + markdown))
    const place = { file, start, headBytes: Buffer.byteLength(json), end: this.#bytes }
    const stored = attachments.map(({ bytes, ...it }): DraftAttachment => {
      if (bytes === undefined) return it
      const { byteLength } = bytes
      const at = this.#append(bytes)
      return { ...it, open: async () => read(file, at, byteLength) }
    })
    return { ...place, attachments: stored }
  }

  /** @returns where the bytes are in the file. */
  #append(bytes: Uint8Array): number {
    const start = this.#bytes
    this.#bytes += bytes.byteLength
    for (let done = 0; done < bytes.byteLength;) {
      done += writeSync(this.#file, bytes, done, bytes.byteLength - done, start + done)
    }
    return start
  }

  [Symbol.dispose](): void {
    // All of it is garbage now, which the heap would grow beside while the result is written.
    setTimeout(() => {
      for (const unlimit of this.#unlimit) unlimit()
    }, LIMITED_MS).unref()
    if (this.#file < 0) return
    closeSync(this.#file)
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** Where a draft is in the file: what it says, then its text. */
interface Place {
  readonly file: number
  readonly start: number
  readonly headBytes: number
  readonly end: number
  readonly attachments: readonly DraftAttachment[]
}

class KeptDraft implements FoundDraft {
  readonly origin: string
  readonly finish: FoundDraft['finish']
  #at: Draft | Place

  constructor({ origin, finish, draft }: FoundDraft) {
    this.origin = origin
    this.finish = finish
    this.#at = draft
  }

  set place(place: Place) {
    this.#at = place
  }

  get draft(): Draft {
    if ('markdown' in this.#at) return this.#at
    const { file, start, headBytes, end, attachments } = this.#at
    return {
      ...(JSON.parse(text(file, start, headBytes)) as Omit<Draft, 'markdown' | 'attachments'>),
      attachments,
      get markdown() {
        return text(file, start + headBytes, end - start - headBytes)
      },
    }
  }
}

function text(file: number, position: number, byteLength: number): string {
  return read(file, position, byteLength).toString('utf8')
}

function read(file: number, position: number, byteLength: number): Buffer {
  const bytes = Buffer.allocUnsafe(byteLength)
  readSync(file, bytes, 0, byteLength, position)
  return bytes
}
