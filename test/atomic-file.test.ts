import { randomBytes } from 'node:crypto'
import { readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createSynced, replaceWhole } from '../src/atomic-file.ts'
import { temporaryDirectory } from './helpers/temporary-directory.ts'

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

test('a new file has all parts in order, however many, and what was asked for at the end', async () => {
  const folder = await temporaryDirectory()
  const path = join(folder, 'journal')
  const parts = Array.from({ length: 2_000 }, (_, i) => randomBytes(i % 50))
  await createSynced(path, parts, () => Buffer.from('end'))
  expect(await readFile(path)).toEqual(Buffer.concat([...parts, Buffer.from('end')]))
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  await createSynced(path, [], () => Buffer.from('another'))
  expect(await readFile(path, 'utf8')).toBe('another')
})

test('a new file whose end cannot be told is reported', async () => {
  const path = join(await temporaryDirectory(), 'journal')
  const end = () => {
    throw new Error('No end.')
  }
  await expect(createSynced(path, [Buffer.from('part')], end)).rejects.toThrow('No end.')
})

test('a link in place of the temporary file is replaced, not followed', async () => {
  const folder = await temporaryDirectory()
  const elsewhere = join(folder, 'elsewhere')
  await writeFile(elsewhere, 'mine')
  await symlink(elsewhere, join(folder, 'note.tmp'))
  await replaceWhole(join(folder, 'note'), [Buffer.from('secret')])
  expect(await readFile(elsewhere, 'utf8')).toBe('mine')
  expect(await readFile(join(folder, 'note'), 'utf8')).toBe('secret')
  expect((await stat(join(folder, 'note'))).mode & 0o077).toBe(0)
})
