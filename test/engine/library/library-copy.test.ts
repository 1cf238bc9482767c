import { readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import {
  formatNumbers,
  LibraryCopy,
  parseNumbers,
  readCopy,
} from '../../../src/engine/library/library-copy.ts'
import { Library } from '../../../src/engine/library/library.ts'
import { encryptionKeyOf, feedKeyOf } from '../../../src/format/keys/feed-key.ts'
import { Store } from '../../../src/log/store/store.ts'
import { fillDisk, NO_SMALL_DISK, smallDisk } from '../../helpers/small-disk.ts'
import { openStore } from '../../helpers/stores.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

const FEED = feedKeyOf(new Uint8Array(32).fill(1))
const OTHER = feedKeyOf(new Uint8Array(32).fill(2))
const SECRET = encryptionKeyOf(new Uint8Array(32).fill(3))

/** A library on a store, by the name of its directory, with a copy beside it. */
async function openLibrary(directory: string, storeName = 'store'): Promise<Library> {
  const store = await openStore(join(directory, storeName))
  const log = await new Store(store).openKeyValues('library')
  const library = await Library.open(log, { copyPath: pathIn(directory) })
  onTestFinished(() => library.close())
  return library
}

function pathIn(directory: string): string {
  return join(directory, 'library.json')
}

async function contents(library: Library) {
  const marks = (feed: typeof FEED) => [
    library.marks.numbers('read', feed),
    library.marks.numbers('star', feed),
  ]
  return { entries: library.list(), marks: await Promise.all([FEED, OTHER].flatMap(marks)) }
}

/** Two newsletters, one of them private, with marks. */
async function fill(library: Library): Promise<void> {
  await library.add(FEED, 'subscriber', { title: 'One', encryptionKey: SECRET })
  await library.add(OTHER, 'seeder', { title: 'Two' })
  await library.marks.set('read', FEED, [1, 2, 3, 7], true)
  await library.marks.set('star', FEED, [2], true)
}

describe('the copy of a library', () => {
  test('is for this user alone, and has links, keys, read marks and stars', async () => {
    const directory = await temporaryDirectory()
    const library = await openLibrary(directory)
    await fill(library)
    await library.close()
    expect((await stat(pathIn(directory))).mode & 0o777).toBe(0o600)
    const newsletters = (await readCopy(pathIn(directory)))?.newsletters
    expect(newsletters?.get(FEED)).toMatchObject({
      entry: { roles: ['subscriber'], title: 'One', encryptionKey: SECRET },
      read: '1-3,7',
      star: '2',
    })
    expect([...(newsletters?.keys() ?? [])]).toEqual([FEED, OTHER])
  })

  test('gives all of it back to a store that is new', async () => {
    const directory = await temporaryDirectory()
    const library = await openLibrary(directory)
    await fill(library)
    const before = await contents(library)
    await library.close()
    const again = await openLibrary(directory, 'new')
    expect(again.restored).toBe(2)
    expect(await contents(again)).toEqual(before)
    await again.close()
  })

  test('gives a store back what it lost, and takes nothing from one that has more', async () => {
    const directory = await temporaryDirectory()
    const ahead = await openLibrary(directory, 'ahead')
    await fill(ahead)
    await ahead.marks.set('read', FEED, [1], false)
    await ahead.remove(OTHER, 'seeder')
    const wanted = await contents(ahead)
    await ahead.close()

    const store = new Store(await openStore(join(directory, 'behind')))
    const behind = await Library.open(await store.openKeyValues('library'))
    await behind.add(OTHER, 'seeder')
    await behind.marks.set('read', FEED, [1], true)
    await behind.close()
    const restored = await Library.open(await store.openKeyValues('library'), {
      copyPath: pathIn(directory),
    })
    expect(await contents(restored)).toEqual(wanted)
    // What is added later counts, though the copy at hand is the old one.
    await restored.add(OTHER, 'seeder')
    await restored.close()
    const kept = await readCopy(pathIn(directory))
    expect([...(kept?.newsletters.keys() ?? [])].toSorted()).toEqual([FEED, OTHER].toSorted())
  })

  test.each([0, 20, 100, 300])('that is flipped at %i is made anew from the store', async (at) => {
    const directory = await temporaryDirectory()
    const store = await openStore(join(directory, 'store'))
    const open = async () =>
      Library.open(await new Store(store).openKeyValues('library'), {
        copyPath: pathIn(directory),
      })
    const library = await open()
    await fill(library)
    const before = await contents(library)
    await library.close()
    const good = await readCopy(pathIn(directory))
    const bytes = await readFile(pathIn(directory))
    bytes.writeUInt8(bytes.readUInt8(at) ^ 0x10, at)
    await writeFile(pathIn(directory), bytes)
    expect(await readCopy(pathIn(directory))).toBeUndefined()
    const again = await open()
    expect(await contents(again)).toEqual(before)
    await again.close()
    expect((await readCopy(pathIn(directory)))?.newsletters).toEqual(good?.newsletters)
  })

  test('is written later where the disk was full', async ({ skip }) => {
    skip(NO_SMALL_DISK !== undefined, NO_SMALL_DISK)
    const disk = await smallDisk(1)
    const filling = await fillDisk(disk)
    const entry = { feedKey: FEED, roles: ['subscriber'], addedAt: '2026-01-01' }
    const library = {
      length: () => Promise.resolve(3),
      list: () => [entry],
      get: () => entry,
      numbers: () => Promise.resolve(new Set<number>()),
    }
    const copy = new LibraryCopy(pathIn(disk), library, false)
    await expect(copy.flush()).rejects.toMatchObject({ code: 'DISK_FULL' })
    await rm(filling)
    copy.onChange(FEED)
    await copy.close()
    expect((await readCopy(pathIn(disk)))?.newsletters.size).toBe(1)
  })
})

describe('numbers of issues', () => {
  test('are the same after they were written as ranges', () => {
    expect(formatNumbers(new Set([32, 1, 2, 3]))).toBe('1-3,32')
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 200 })), (numbers) => {
        expect(parseNumbers(formatNumbers(new Set(numbers)))).toEqual(
          numbers.toSorted((a, b) => a - b),
        )
      }),
    )
  })
})
