import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { folderArchive, readFromArchive, zipArchive } from '../../src/sources/archive.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { writeZip, type ZipEntry } from '../helpers/zip.ts'

let home: string
beforeEach(async () => {
  home = await temporaryDirectory()
})

async function zipOf(...entries: ZipEntry[]) {
  return zipArchive(await writeZip(join(home, 'export.zip'), entries))
}

describe('zipArchive', () => {
  it('reads files by their names, whatever the form of Unicode', async () => {
    const zip = await zipOf(
      { name: 'a/ü.txt'.normalize('NFD'), data: 'sea' },
      { name: '__MACOSX/a/._ü.txt', data: 'x' },
      { name: 'a/.DS_Store', data: 'x' },
      { name: 'a/', data: '' },
    )
    expect(zip.names).toEqual(['a/ü.txt'])
    expect(zip.size('a/ü.txt')).toBe(3)
    expect((await readFromArchive(zip, 'a/ü.txt', 10)).toString()).toBe('sea')
    await zip.close()
  })

  it.each([
    '../escape.txt',
    'a/../../escape.txt',
    '/etc/passwd',
    'C:/windows.txt',
    '..\\escape.txt',
  ])('refuses a zip file with the name %s', async (name) => {
    await expect(zipOf({ name, data: 'x' })).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  })

  it('does not know symbolic links', async () => {
    const zip = await zipOf({ name: 'link', data: '/etc/passwd', mode: 0o120_777 })
    expect(zip.names).toEqual([])
    await zip.close()
  })

  it('refuses a file that would grow beyond measure, before it does', async () => {
    const zip = await zipOf({ name: 'bomb.html', data: Buffer.alloc(20_000_000) })
    await expect(readFromArchive(zip, 'bomb.html', 1e9)).rejects.toMatchObject({
      code: 'INVALID_DRAFT',
    })
    await zip.close()
  })

  it('stops at a file that is longer than it claims, or than is wanted', async () => {
    const zip = await zipOf(
      { name: 'liar.html', data: Buffer.alloc(20_000_000), claims: 1_000 },
      { name: 'long.txt', data: 'x'.repeat(100) },
    )
    await expect(readFromArchive(zip, 'liar.html', 1e9)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    })
    await expect(readFromArchive(zip, 'long.txt', 99)).rejects.toMatchObject({ code: 'TOO_LARGE' })
    await zip.close()
  })

  it.each(['', 'PK\u0003\u0004', 'no zip file at all'])('refuses %j', async (text) => {
    const path = join(home, 'x.zip')
    await writeFile(path, text)
    await expect(zipArchive(path)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  })
})

describe('folderArchive', () => {
  it('has files below its folder, and none that a name or a link takes from elsewhere', async () => {
    const folder = join(home, 'site')
    await mkdir(join(folder, 'images'), { recursive: true })
    await writeFile(join(folder, 'images', 'a.png'), 'picture')
    await writeFile(join(home, 'secret.txt'), 'secret')
    await symlink(join(home, 'secret.txt'), join(folder, 'link.txt'))
    const archive = folderArchive(folder)
    expect(archive.size('images/a.png')).toBe(7)
    for (const name of ['link.txt', '../secret.txt', 'images', 'images/a.png\0', 'none']) {
      expect(archive.size(name)).toBe(undefined)
    }
    expect((await readFromArchive(archive, 'images/a.png', 10)).toString()).toBe('picture')
  })
})
