import type * as Format from '../../src/format/index.ts'
import type * as Render from '../../src/render/index.ts'

// Runs in Node with the source, and in a browser with its bundles. Both have to come to the same.

export interface Modules {
  readonly format: typeof Format
  readonly render: typeof Render
}

/** Names of fixtures, and texts. */
export interface Subjects {
  readonly records: readonly { readonly file: string; readonly index: number }[]
  readonly bundle: string
  readonly texts: readonly string[]
}

/** What became of something, by what was done to it. */
export type Outcomes = Record<string, string>

/** @param read the bytes of a fixture. */
export async function outcomesOf(
  { format, render }: Modules,
  { records, bundle, texts }: Subjects,
  read: (file: string) => Promise<Uint8Array>,
): Promise<Outcomes> {
  const outcomes: Outcomes = {}
  const note = async (name: string, work: () => unknown) => {
    try {
      outcomes[name] = JSON.stringify(await work())
    } catch (error) {
      if (!(error instanceof format.HyperletterError)) throw error
      outcomes[name] = `${error.code}: ${error.message}`
    }
  }

  for (const { file, index } of records) {
    await note(`record ${file}`, async () => format.decodeRecord(await read(file), index))
  }

  const bytes = await read(bundle)
  await note('bundle', () => verified(format, bytes))
  await note('bundle, its issues', () => issuesOf(format, bytes))
  for (let at = 0; at < bytes.byteLength; at += 611) {
    const tampered = bytes.map((byte, i) => (i === at ? byte ^ 1 : byte))
    await note(`bundle with byte ${at} changed`, () => verified(format, tampered))
  }
  await note('bundle, cut short', () => verified(format, bytes.subarray(0, -1)))

  for (const [i, text] of texts.entries()) {
    const attachmentUrl = (name: string) => `/attachments/${encodeURIComponent(name)}`
    await note(`text ${i} as HTML`, () => render.renderHtml(text, { attachmentUrl }))
    await note(`text ${i} as a line`, () => render.singleLine(text))
    await note(`text ${i} as a name`, () => render.safeFileName(text.replaceAll(/[/\\]/g, '')))
    await note(`text ${i} as a link`, () => format.parseLink(text))
  }
  return outcomes
}

async function verified(format: typeof Format, bytes: Uint8Array): Promise<unknown> {
  const { header, tree } = await format.resultOf(format.verifyBundle(pieces(format, bytes)))
  return { ...header, tree: [...tree.hash()] }
}

/** The title and the text of every issue of a bundle, newest first. */
async function issuesOf(format: typeof Format, bytes: Uint8Array): Promise<string[]> {
  const log = await format.loadBundle(pieces(format, bytes))
  const contents = new format.Contents(log)
  const { issues } = await new format.History(log).list()
  const texts = issues.map(async (issue) => {
    const edition = format.newestEdition(issue)
    return `${edition.record.title}\n${await contents.body(edition)}`
  })
  return Promise.all(texts)
}

function pieces(format: typeof Format, bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  return format.piecesOf(new Blob([bytes]).stream())
}
