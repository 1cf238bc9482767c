import { readdir } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { Spool } from '../../src/sources/spool.ts'
import { parseDraft } from '../../src/sources/markdown-file.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

it('keeps texts, small archives in memory and the rest of large ones in a file without a name', async () => {
  const folder = await temporaryDirectory()
  const draft = await parseDraft('# Tide\n\nHigh water ☂.\n')
  const long = `${draft.markdown}${'x'.repeat(1_000_000)}`
  const spool = new Spool(folder)
  const drafts = Array.from({ length: 20 }, (_, at) => {
    const markdown = `${at} ${long}`
    return { markdown, kept: spool.keep({ origin: `${at}.md`, draft: { ...draft, markdown } }) }
  })
  const isHere = drafts.map(
    ({ kept }) => Object.getOwnPropertyDescriptor(kept.draft, 'markdown')?.get === undefined,
  )
  expect(isHere.filter(Boolean)).toHaveLength(16)
  for (const { markdown, kept } of drafts) expect(kept.draft.markdown).toBe(markdown)
  expect(drafts.at(-1)?.kept.draft.title).toBe('Tide')
  expect(await readdir(folder)).toStrictEqual([])
  spool[Symbol.dispose]()
})
