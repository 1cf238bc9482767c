import {
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, posix, win32 } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeDistinct, safeSegments, writeFiles } from '../../src/cli/files.ts'
import { streamOf } from '../helpers/cli.ts'

const { signal } = new AbortController()

let folder: string

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'hyperletter-files-')))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const file = (path: string, text: string) => ({
  segments: path.split('/'),
  bytes: streamOf([Buffer.from(text)])(),
})
const write = (files: ReturnType<typeof file>[], force = false) =>
  writeFiles(folder, files, { force, signal })

describe('safe names', () => {
  it.each([
    ['images/tide.png', ['images', 'tide.png']],
    ['../../etc/passwd', ['_', '_', 'etc', 'passwd']],
    ['/etc/passwd', ['etc', 'passwd']],
    ['C:\\Windows\\win.ini', ['C_', 'Windows', 'win.ini']],
    ['.bashrc', ['_.bashrc']],
    ['.git/hooks/post-checkout', ['_.git', 'hooks', 'post-checkout']],
    ['CON', ['_CON']],
    ['aux.tar.gz', ['_aux.tar.gz']],
    ['notes. . ', ['notes']],
    ['a\u001b[31m\u202eb.png', ['ab.png']],
    ['what? "that".txt', ['what_ _that_.txt']],
    ['ebb und flut – 潮.png', ['ebb und flut – 潮.png']],
  ])('%j becomes %j', (name, segments) => {
    expect(safeSegments(name)).toEqual(segments)
  })

  it('shortens a long name but keeps its extension', () => {
    const [name = ''] = safeSegments(`${'潮'.repeat(100)}.png`)
    expect(Buffer.byteLength(name)).toBeLessThanOrEqual(200)
    expect(name).toMatch(/^潮+\.png$/u)
  })

  it('never lead out of the folder, on any system', () => {
    const part = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('..', '.', '', 'C:', 'nul', '~', '\\', ' ', '. .'),
    )
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
        const segments = safeSegments(parts.join('/'))
        for (const segment of segments) {
          expect(segment).toMatch(/^[^./\\:\p{Cc}][^/\\:\p{Cc}]*$/u)
          expect(segment).not.toMatch(/[. ]$/)
        }
        for (const system of [posix, win32]) {
          const path = system.relative('/base', system.join('/base', ...segments))
          expect(path).not.toMatch(/^\.\.|:/)
        }
      }),
    )
  })
})

describe('distinct paths', () => {
  it('get a number where a file system might confuse them', () => {
    const paths = [['a.png'], ['A.PNG'], ['x', 'a.png'], ['a.png'], ['é'], ['e\u0301']]
    expect(makeDistinct(paths)).toEqual([
      ['a.png'],
      ['A-2.PNG'],
      ['x', 'a.png'],
      ['a-3.png'],
      ['é'],
      ['e\u0301-2'],
    ])
  })

  it('get a number where one would be the folder of another', () => {
    const paths = [['a'], ['A', 'b', 'c.png'], ['a', 'B'], ['x.md']]
    expect(makeDistinct(paths)).toEqual([['a-2'], ['A', 'b', 'c.png'], ['a', 'B-2'], ['x.md']])
  })
})

describe('writing files', () => {
  it('creates folders and files and returns their paths', async () => {
    const paths = await write([file('3-tides.md', '# Tides'), file('images/tide.png', 'png')])
    expect(paths).toEqual([join(folder, '3-tides.md'), join(folder, 'images/tide.png')])
    expect(await readFile(join(folder, 'images/tide.png'), 'utf8')).toBe('png')
    expect(await readdir(folder)).toEqual(['3-tides.md', 'images'])
  })

  it('leaves equal files alone', async () => {
    await write([file('a.md', 'same')])
    expect(await write([file('a.md', 'same')])).toEqual([join(folder, 'a.md')])
  })

  it('replaces nothing and writes nothing when one file differs', async () => {
    await writeFile(join(folder, 'b.md'), 'mine')
    const attempt = write([file('a.md', 'new'), file('b.md', 'theirs')])
    await expect(attempt).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringContaining(join(folder, 'b.md')) as string,
    })
    expect(await readdir(folder)).toEqual(['b.md'])
    expect(await readFile(join(folder, 'b.md'), 'utf8')).toBe('mine')
  })

  it('replaces a file that differs if forced', async () => {
    await writeFile(join(folder, 'b.md'), 'mine')
    await write([file('b.md', 'theirs')], true)
    expect(await readFile(join(folder, 'b.md'), 'utf8')).toBe('theirs')
  })

  it.each([
    ['a folder', 'images/tide.png', 'images'],
    ['a file', 'tide.png', 'tide.png'],
  ])('goes through no symbolic link in place of %s, forced or not', async (_, path, link) => {
    const outside = join(folder, 'outside')
    await mkdir(outside)
    await writeFile(join(outside, 'kept'), 'kept')
    const inside = join(folder, 'inside')
    await mkdir(inside)
    await symlink(link === 'images' ? outside : join(outside, 'kept'), join(inside, link))
    for (const force of [false, true]) {
      const attempt = writeFiles(inside, [file(path, 'evil')], { force, signal })
      await expect(attempt).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    }
    expect(await readdir(outside)).toEqual(['kept'])
    expect(await readFile(join(outside, 'kept'), 'utf8')).toBe('kept')
  })

  it('refuses a folder where a file has to go, forced or not', async () => {
    await mkdir(join(folder, 'a.md'))
    for (const force of [false, true]) {
      await expect(write([file('a.md', 'x')], force)).rejects.toMatchObject({
        code: 'INVALID_INPUT',
      })
    }
  })

  it('leaves nothing behind when a source fails', async () => {
    const bytes = streamOf([Buffer.from('half')], new Error('gone'))()
    const attempt = writeFiles(folder, [file('a.md', 'x'), { segments: ['b'], bytes }], { signal })
    await expect(attempt).rejects.toThrow('gone')
    expect(await readdir(folder)).toEqual([])
  })

  it('changes nothing where a file is the folder of another, forced or not', async () => {
    await writeFile(join(folder, 'b'), 'mine')
    const target = join(folder, 'new', 'deeper')
    for (const into of [folder, target]) {
      for (const force of [false, true]) {
        const files = [file('b', 'theirs'), file('a', 'file'), file('a/b', 'below it')]
        const attempt = writeFiles(into, files, { force: force || into === folder, signal })
        await expect(attempt).rejects.toMatchObject({ code: 'INVALID_INPUT' })
      }
    }
    expect(await readdir(folder)).toEqual(['b'])
    expect(await readFile(join(folder, 'b'), 'utf8')).toBe('mine')
  })

  it('stops between two chunks when interrupted', async () => {
    const interrupt = new AbortController()
    async function* bytes() {
      yield await Promise.resolve(Buffer.from('one'))
      interrupt.abort()
      yield Buffer.from('two')
    }
    const files = [{ segments: ['a'], bytes: bytes() }]
    const attempt = writeFiles(folder, files, { signal: interrupt.signal })
    await expect(attempt).rejects.toMatchObject({ name: 'AbortError' })
    expect(await readdir(folder)).toEqual([])
  })
})
