import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { growHeapBy } from '../heap.ts'
import type { Draft, DraftAttachment, FoundDraft } from './source.ts'

/** Texts that stay in memory, in characters: most archives are smaller. */
const MAX_KEPT_CHARACTERS = 16 * 1024 * 1024

/**
 * Else garbage of the conversion alone, which V8 leaves until the heap has doubled, takes 300 MB. This costs no time that
 * could be measured; of large archives, every step counts.
 */
const GROWING_PERCENT = 50
const MANY_DRAFTS = 1_000
const GROWING_PERCENT_OF_MANY = 20

/**
 * Keeps drafts until they are published; those of a large archive in a file, for it has more than fits in the memory. The
 * file has no name where the system allows it, and is gone with the process.
 */
export class Spool {
  readonly #parent: string
  readonly #growAsBefore = growHeapBy(GROWING_PERCENT)
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
    if (++this.#drafts === MANY_DRAFTS) growHeapBy(GROWING_PERCENT_OF_MANY)
    this.#kept += found.draft.markdown.length
    if (this.#kept <= MAX_KEPT_CHARACTERS) return found
    if (this.#file < 0) this.#open()
    const { markdown, attachments, ...head } = found.draft
    const json = JSON.stringify(head)
    const [start, headBytes] = [this.#bytes, Buffer.byteLength(json)]
    this.#write(Buffer.from(json + markdown))
    const place = { file: this.#file, start, headBytes, end: this.#bytes }
    return new SpooledDraft(found, attachments, place)
  }

  #write(bytes: Buffer): void {
    const { byteLength } = bytes
    for (let done = 0; done < byteLength;) {
      done += writeSync(this.#file, bytes, done, byteLength - done, this.#bytes + done)
    }
    this.#bytes += byteLength
  }

  [Symbol.dispose](): void {
    this.#growAsBefore()
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
}

class SpooledDraft implements FoundDraft {
  readonly origin: string
  readonly finish: FoundDraft['finish']
  readonly #attachments: readonly DraftAttachment[]
  readonly #place: Place

  constructor(
    { origin, finish }: Pick<FoundDraft, 'origin' | 'finish'>,
    attachments: readonly DraftAttachment[],
    place: Place,
  ) {
    this.origin = origin
    this.finish = finish
    this.#attachments = attachments.length === 0 ? NONE : attachments
    this.#place = place
  }

  get draft(): Draft {
    const { file, start, headBytes, end } = this.#place
    const head = read(file, start, headBytes)
    return {
      ...(JSON.parse(head) as Omit<Draft, 'markdown' | 'attachments'>),
      attachments: this.#attachments,
      get markdown() {
        return read(file, start + headBytes, end - start - headBytes)
      },
    }
  }
}

function read(file: number, position: number, byteLength: number): string {
  const bytes = Buffer.allocUnsafe(byteLength)
  readSync(file, bytes, 0, byteLength, position)
  return bytes.toString('utf8')
}

const NONE: readonly DraftAttachment[] = []
