import { execFileSync } from 'node:child_process'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { datesInGit } from '../../src/sources/git-dates.ts'
import { markdownFolder } from '../../src/sources/markdown-folder.ts'
import { allOf } from '../helpers/drafts.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

it('dates files by the commit that added them, under whatever name', async () => {
  const root = await temporaryDirectory()
  const folder = join(root, 'letters')
  await mkdir(folder)
  const git = (date: string, ...args: string[]) =>
    execFileSync(
      'git',
      ['-c', 'user.name=A', '-c', 'user.email=a@example.org', '-C', root, ...args],
      {
        env: { ...process.env, GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: '2026-01-01T00:00:00Z' },
      },
    )
  const commit = (date: string) => {
    git(date, 'add', '.')
    git(date, 'commit', '-qm', 'x')
  }
  await expect(datesInGit(folder)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  git('', 'init', '-q')
  await writeFile(join(folder, 'ébb.md'), '# Ebb\n\nOne line.\nAnother line.\n')
  commit('2020-01-05T10:30:00+01:00')
  await rename(join(folder, 'ébb.md'), join(folder, 'low tide.md'))
  commit('2021-01-05T10:30:00Z')
  await writeFile(join(folder, 'low tide.md'), '# Ebb\n\nOne line.\nA third line.\n')
  await writeFile(join(folder, 'flood.md'), '---\ndate: 2019-01-01\n---\n# Flood\n')
  commit('2022-01-05T10:30:00Z')
  await writeFile(join(folder, 'new.md'), '# New\n')

  expect(Object.fromEntries(await datesInGit(folder))).toEqual({
    'flood.md': '2022-01-05T10:30:00.000Z',
    'low tide.md': '2020-01-05T09:30:00.000Z',
  })
  const { drafts } = await allOf(markdownFolder(folder, { undated: 'git' }))
  expect(drafts.get('low tide.md')).toMatchObject({
    publishedAt: '2020-01-05T09:30:00.000Z',
    dateFrom: 'git',
    warnings: [],
  })
  expect(drafts.get('flood.md')).toMatchObject({ dateFrom: 'head' })
  expect(drafts.get('new.md')).toMatchObject({ dateFrom: 'file', warnings: [{}] })
  const left = await allOf(markdownFolder(folder, { undated: 'skip' }))
  expect([...left.drafts.keys()]).toEqual(['flood.md'])
  expect([...left.skipped.keys()].toSorted()).toEqual(['low tide.md', 'new.md'])
})
