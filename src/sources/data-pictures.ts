import { createHash } from 'node:crypto'
import type { DraftFile, DraftFiles } from './attachments.ts'
import { edited } from './dialects.ts'
import { codeIn } from './markdown-code.ts'
import { withoutLocation } from './picture-location.ts'

/** Where a text shows a picture that stands in it: `![a](data:image/png;base64,…)`, a definition, or `<img src>`. */
const DATA_PICTURE =
  /(\]\([ \t]{0,16}<?|\]:[ \t]{0,16}<?|\ssrc[ \t]{0,4}=[ \t]{0,4}["']?)data:image\/(png|jpe?g|gif|webp|avif|bmp|svg\+xml)((?:;[\w-]{1,40}(?:=[\w-]{1,40})?){0,3}),([^\s"'<>()]+)/gi

export interface WithoutDataPictures {
  readonly text: string
  /** Of the text, with the pictures. */
  readonly files: DraftFiles | undefined
}

/** A picture that is in memory, as an attachment has it. */
export function inMemory(bytes: Uint8Array): Pick<DraftFile, 'sizeBytes' | 'open' | 'bytes'> {
  return { sizeBytes: bytes.length, open: async () => bytes, bytes }
}

/**
 * A text whose pictures in `data:` addresses are files of its own, as Google Docs, editors and mails write them; those in
 * code, and those that cannot be read, stay where they are. Every line keeps its number. Linear in time.
 * @param keepLocation Keep the places at which pictures were taken.
 */
export function withoutDataPictures(
  text: string,
  files?: DraftFiles,
  keepLocation = false,
): WithoutDataPictures {
  if (!/data:image\//i.test(text)) return { text, files }
  const pictures = new Map<string, DraftFile>()
  const code = codeIn(text)
  const edits = []
  for (const match of text.matchAll(DATA_PICTURE)) {
    const [whole, before = '', kind = '', parameters = '', data = ''] = match
    const bytes = code[match.index] === 1 ? undefined : bytesOf(parameters, data)
    if (bytes === undefined) continue
    const name = nameOf(kind, bytes)
    const kept = keepLocation ? bytes : withoutLocation(bytes)
    if (!pictures.has(name)) pictures.set(name, { identity: name, ...inMemory(kept) })
    const start = match.index + before.length
    edits.push({ start, end: match.index + whole.length, text: name })
  }
  if (edits.length === 0) return { text, files }
  const find = async (path: string) => pictures.get(path) ?? files?.find(path)
  // A copy: parts of a text keep all of it in memory.
  const rest = Buffer.from(edited(text, edits)).toString()
  return { text: rest, files: { find } }
}

/** The picture of a `data:` address, and a name for it; undefined if it is none. */
export function dataPicture(address: string): { name: string; bytes: Uint8Array } | undefined {
  const [match] = ` src=${address.trim()}`.matchAll(DATA_PICTURE)
  const [whole = '', , kind = '', parameters = '', data = ''] = match ?? []
  const bytes = whole.length === address.trim().length + 5 ? bytesOf(parameters, data) : undefined
  return bytes && { name: nameOf(kind, bytes), bytes }
}

/** The same for the same picture, so that it travels once. */
function nameOf(kind: string, bytes: Uint8Array): string {
  const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 12)
  const extension = { 'svg+xml': 'svg', jpeg: 'jpg' }[kind.toLowerCase()] ?? kind.toLowerCase()
  return `embedded-${hash}.${extension}`
}

function bytesOf(parameters: string, data: string): Uint8Array | undefined {
  let plain
  try {
    plain = decodeURIComponent(data)
  } catch {
    return undefined
  }
  const bytes = /;base64$/i.test(parameters) ? Buffer.from(plain, 'base64') : Buffer.from(plain)
  return bytes.length === 0 ? undefined : bytes
}
