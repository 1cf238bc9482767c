import { createHash } from 'node:crypto'
import { readdir, readFile, stat, writeFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Journal } from '../../../src/engine/publish/journal.ts'
import { feedKeyOf } from '../../../src/format/keys/feed-key.ts'
import { expectCode } from '../../helpers/errors.ts'
import { fillDisk, NO_SMALL_DISK, smallDisk } from '../../helpers/small-disk.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

const FEED = feedKeyOf(new Uint8Array(32).fill(1))
const OTHER = feedKeyOf(new Uint8Array(32).fill(2))
const FILE = `${FEED}.pending`
const PENDING = { feedKey: FEED, start: 7, blocks: [Buffer.from('body'), Buffer.from('record')] }

async function openJournal() {
  const dir = join(await temporaryDirectory(), 'journal')
  return { dir, journal: await Journal.open(dir) }
}

describe('a pending append', () => {
  test('is the same when the journal is opened again', async () => {
    const { dir } = await openJournal()
    const block = fc.uint8Array({ maxLength: 300 })
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.array(block, { maxLength: 5 }), async (start, blocks) => {
        await (await Journal.open(dir)).write({ feedKey: FEED, start, blocks })
        const [found] = await (await Journal.open(dir)).pending()
        expect(found).toMatchObject({ feedKey: FEED, start })
        expect(found?.blocks.map((it) => [...it])).toEqual(blocks.map((it) => [...it]))
      }),
      { numRuns: 50 },
    )
  })

  test('is one a feed', async () => {
    const { journal } = await openJournal()
    await journal.write(PENDING)
    await journal.write({ ...PENDING, feedKey: OTHER, start: 9 })
    const found = await journal.pending()
    expect(new Map(found.map((it) => [it.feedKey, it.start]))).toEqual(
      new Map([
        [FEED, 7],
        [OTHER, 9],
      ]),
    )
  })

  test('is there until it is dropped, and may be dropped twice', async () => {
    const { dir, journal } = await openJournal()
    expect(await journal.has(FEED)).toBe(false)
    await journal.write(PENDING)
    expect(await journal.has(FEED)).toBe(true)
    expect(await journal.has(OTHER)).toBe(false)
    await journal.drop(FEED)
    await journal.drop(FEED)
    expect(await journal.has(FEED)).toBe(false)
    expect(await readdir(dir)).toEqual([])
  })

  test('can be read by its user only', async () => {
    const { dir, journal } = await openJournal()
    await journal.write(PENDING)
    const mode = async (path: string) => (await stat(path)).mode & 0o777
    expect(await mode(join(dir, FILE))).toBe(0o600)
    expect(await mode(dir)).toBe(0o700)
  })
})

describe('a file that was not finished', () => {
  /** What is pending when the file of the feed has these bytes. */
  async function pendingIn(name: string, change: (bytes: Buffer) => Uint8Array) {
    const { dir, journal } = await openJournal()
    await journal.write(PENDING)
    const bytes = await readFile(join(dir, FILE))
    await journal.drop(FEED)
    await writeFile(join(dir, name), change(bytes))
    return { found: await journal.pending(), left: await readdir(dir) }
  }

  test('is dropped wherever it was cut', async () => {
    const { dir, journal } = await openJournal()
    await journal.write(PENDING)
    const bytes = await readFile(join(dir, FILE))
    for (let length = 0; length < bytes.byteLength; length++) {
      await writeFile(join(dir, FILE), bytes.subarray(0, length))
      expect(await journal.pending()).toEqual([])
      expect(await readdir(dir)).toEqual([])
    }
  })

  test('is dropped whichever byte is wrong', async () => {
    const { dir, journal } = await openJournal()
    await journal.write(PENDING)
    const bytes = await readFile(join(dir, FILE))
    for (let at = 0; at < bytes.byteLength; at++) {
      const changed = Buffer.from(bytes)
      changed[at] = (changed[at] ?? 0) ^ 0x10
      await writeFile(join(dir, FILE), changed)
      expect(await journal.pending()).toEqual([])
    }
  })

  test('is dropped before it got its name', async () => {
    expect(await pendingIn(`${FILE}.tmp`, (it) => it)).toEqual({ found: [], left: [] })
  })

  test('is dropped when its name is not that of a feed', async () => {
    expect(await pendingIn('nobody.pending', (it) => it)).toEqual({ found: [], left: [] })
  })

  test('is dropped when other bytes follow', async () => {
    const longer = await pendingIn(FILE, (it) => Buffer.concat([it, Buffer.alloc(1)]))
    expect(longer).toEqual({ found: [], left: [] })
  })
})

describe('a file that was finished, but not by this version', () => {
  test.each(['[]', '{"start":-1,"sizes":[]}', '{"start":7,"sizes":[9]}', 'other', ''])(
    'stays, and has no blocks: %j',
    async (head) => {
      const { dir, journal } = await openJournal()
      const bytes = Buffer.from(`${head}\nblocks`)
      const hash = createHash('sha256').update(bytes).digest()
      await writeFile(join(dir, FILE), Buffer.concat([bytes, hash]))
      expect(await journal.pending()).toMatchObject([{ feedKey: FEED, blocks: [] }])
      expect(await journal.has(FEED)).toBe(true)
    },
  )
})

describe('a journal', () => {
  test('that cannot be written fails with DISK_FULL and leaves nothing behind', async ({
    skip,
  }) => {
    skip(NO_SMALL_DISK !== undefined, NO_SMALL_DISK)
    const disk = await smallDisk(1)
    const dir = join(disk, 'journal')
    const journal = await Journal.open(dir)
    await fillDisk(disk)
    const blocks = [Buffer.alloc(100_000)]
    await expectCode(journal.write({ ...PENDING, blocks }), 'DISK_FULL')
    expect(await readdir(dir)).toEqual([])
    expect(await journal.has(FEED)).toBe(false)
  })

  test('leaves folders alone', async () => {
    const { dir, journal } = await openJournal()
    await journal.write(PENDING)
    await mkdir(join(dir, 'folder'))
    await mkdir(join(dir, `${OTHER}.pending`))
    expect(await journal.pending()).toHaveLength(1)
  })
})
