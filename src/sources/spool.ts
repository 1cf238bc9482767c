import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import type { Draft, DraftAttachment, FoundDraft } from './source.ts'

/** Texts that stay in memory, in characters: most archives are smaller. */
const MAX_KEPT_CHARACTERS = 16 * 1024 * 1024

/**
 * Above so many drafts the heap grows in small steps: else garbage of the conversion alone, which V8 leaves until the heap
 * has doubled, takes 300 MB.
 */
const MANY_DRAFTS = 1_000
const GROWING_PERCENT = '--heap-growing-percent'

/**
 * Keeps drafts until they are published; those of a large archive in a file, for it has more than fits in the memory. The
 * file has no name where the system allows it, and is gone with the process.
 */
export class Spool {
  readonly #parent: string
  #folder = ''
  #file = -1
  #drafts = 0
  #kept = 0
  #bytes = 0

  /** @param folder Where a temporary folder is made. */
  constructor(folder: string) {
    this.#parent = folder
  }

  #open(): void {
    this.#folder = mkdtempSync(join(this.#parent, 'import-'))
    this.#file = openSync(join(this.#folder, 'texts'), 'wx+', 0o600)
    if (process.platform !== 'win32') rmSync(this.#folder, { recursive: true, force: true })
  }

  /** The draft, which is read each time that somebody looks at it, and so is its text. */
  keep(found: FoundDraft): FoundDraft {
    if (++this.#drafts === MANY_DRAFTS) setFlagsFromString(`${GROWING_PERCENT}=20`)
    this.#kept += found.draft.markdown.length
    if (this.#kept <= MAX_KEPT_CHARACTERS) return found
    if (this.#file < 0) this.#open()
    const { markdown, attachments, ...head } = found.draft
    const parts = [this.#write(JSON.stringify(head)), this.#write(markdown)] as const
    return new SpooledDraft(found, attachments, this.#file, ...parts)
  }

  #write(text: string): Part {
    const bytes = Buffer.from(text)
    const position = this.#bytes
    const { byteLength } = bytes
    for (let done = 0; done < byteLength;) {
      done += writeSync(this.#file, bytes, done, byteLength - done, position + done)
    }
    this.#bytes += byteLength
    return { position, byteLength }
  }

  [Symbol.dispose](): void {
    // 0 is the default: V8 decides.
    if (this.#drafts >= MANY_DRAFTS) setFlagsFromString(`${GROWING_PERCENT}=0`)
    if (this.#file < 0) return
    closeSync(this.#file)
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** Where a text is in the file. */
interface Part {
  readonly position: number
  readonly byteLength: number
}

class SpooledDraft implements FoundDraft {
  readonly origin: string
  readonly finish: FoundDraft['finish']
  readonly #attachments: readonly DraftAttachment[]
  readonly #file: number
  readonly #head: Part
  readonly #text: Part

  constructor(
    { origin, finish }: Pick<FoundDraft, 'origin' | 'finish'>,
    attachments: readonly DraftAttachment[],
    file: number,
    head: Part,
    text: Part,
  ) {
    this.origin = origin
    this.finish = finish
    this.#attachments = attachments.length === 0 ? NONE : attachments
    this.#file = file
    this.#head = head
    this.#text = text
  }

  get draft(): Draft {
    const read = (part: Part) => this.#read(part)
    const text = this.#text
    return {
      ...(JSON.parse(read(this.#head)) as Omit<Draft, 'markdown' | 'attachments'>),
      attachments: this.#attachments,
      get markdown() {
        return read(text)
      },
    }
  }

  #read({ position, byteLength }: Part): string {
    const bytes = Buffer.allocUnsafe(byteLength)
    readSync(this.#file, bytes, 0, byteLength, position)
    return bytes.toString('utf8')
  }
}

const NONE: readonly DraftAttachment[] = []
