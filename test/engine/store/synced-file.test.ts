import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { replaceWhole } from '../../../src/engine/store/synced-file.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

test('writers of one file take turns, and the last one wins', async () => {
  const folder = await temporaryDirectory()
  const path = join(folder, 'note')
  const texts = Array.from({ length: 20 }, (_, i) => `text ${i}`)
  await Promise.all(texts.map((text) => replaceWhole(path, [Buffer.from(text)])))
  expect(await readFile(path, 'utf8')).toBe(texts.at(-1))
  expect(await readdir(folder)).toEqual(['note'])
})

test('a writer that fails does not stop the next one', async () => {
  const folder = await temporaryDirectory()
  const path = join(folder, 'note')
  const broken = replaceWhole(path, [7 as unknown as Uint8Array])
  const next = replaceWhole(path, [Buffer.from('whole')])
  await expect(broken).rejects.toThrow('must be of type')
  await next
  expect(await readFile(path, 'utf8')).toBe('whole')
})
