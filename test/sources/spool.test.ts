import { readdir } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { Spool } from '../../src/sources/spool.ts'
import type { FoundDraft } from '../../src/sources/source.ts'
import { parseDraft } from '../../src/sources/markdown-file.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

it('keeps texts, those of small archives in memory and of large ones in a file without a name', async () => {
  const folder = await temporaryDirectory()
  const draft = await parseDraft('# Tide\n\nHigh water ☂.\n')
  const long = `${draft.markdown}${'x'.repeat(1_000_000)}`
  const spool = new Spool(folder)
  const drafts: { markdown: string; kept: FoundDraft }[] = []
  const isInFile = ({ kept }: (typeof drafts)[number]) =>
    Object.getOwnPropertyDescriptor(kept.draft, 'markdown')?.get !== undefined
  const inFile = Array.from({ length: 20 }, (_, at) => {
    const markdown = `${at} ${long}`
    drafts.push({
      markdown,
      kept: spool.keep({ origin: `${at}.md`, draft: { ...draft, markdown } }),
    })
    return drafts.filter(isInFile).length
  })
  expect(inFile).toEqual([...Array<number>(16).fill(0), 17, 18, 19, 20])
  for (const { markdown, kept } of drafts) expect(kept.draft.markdown).toBe(markdown)
  expect(drafts.at(-1)?.kept.draft.title).toBe('Tide')
  expect(await readdir(folder)).toStrictEqual([])
  spool[Symbol.dispose]()
})

it('keeps pictures that stand in texts in the file, too, and reads them from there', async () => {
  const spool = new Spool(await temporaryDirectory())
  const pictures = Array.from({ length: 3 }, (_, at) => Buffer.alloc(6 * 1024 * 1024, `tide ${at}`))
  const kept = []
  for (const picture of pictures) {
    const url = `data:image/png;base64,${picture.toString('base64')}`
    const draft = await parseDraft(`# Tide\n\n![low](${url})\n`)
    kept.push(spool.keep({ origin: 'tide.md', draft }))
  }
  const attachments = kept.flatMap((it) => it.draft.attachments)
  expect(attachments.map((it) => it.bytes)).toEqual([undefined, undefined, undefined])
  const read = await Promise.all(attachments.map((it) => it.open()))
  expect(read.map((it, at) => pictures[at]?.equals(it))).toEqual([true, true, true])
  spool[Symbol.dispose]()
})
