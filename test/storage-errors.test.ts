import { once } from 'node:events'
import { cp, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import Corestore from 'corestore'
import { describe, expect, onTestFinished, test } from 'vitest'
import { HyperletterError } from '../src/errors.ts'
import { onStore, translateStorageError, unusableDirectory } from '../src/storage-errors.ts'
import { expectCode } from './helpers/errors.ts'
import { holdLock } from './helpers/lock-holder.ts'
import { fillDisk, NO_SMALL_DISK, remountReadOnly, smallDisk } from './helpers/small-disk.ts'
import { openStore } from './helpers/stores.ts'
import { temporaryDirectory } from './helpers/temporary-directory.ts'

/** A store that may fail to open. */
function store(directory: string): Corestore {
  const it = new Corestore(directory)
  // A damaged one cannot be closed in order.
  onTestFinished(() => it.close().catch(() => undefined))
  return it
}

describe('the lock', () => {
  test('is STORE_BUSY when this process has it', async () => {
    const directory = join(await temporaryDirectory(), 'store')
    await openStore(directory)
    await expectCode(
      onStore(() => store(directory).ready()),
      'STORE_BUSY',
    )
  })

  test('is STORE_BUSY while another process has it, and free once that is gone', async () => {
    const directory = join(await temporaryDirectory(), 'store')
    const other = await holdLock(directory)
    await expectCode(
      onStore(() => store(directory).ready()),
      'STORE_BUSY',
    )
    other.kill('SIGKILL')
    await once(other, 'exit')
    await onStore(() => store(directory).ready())
  })
})

describe('a full disk', () => {
  test('is DISK_FULL on append, and keeps what was appended before', async ({ skip }) => {
    skip(NO_SMALL_DISK !== undefined, NO_SMALL_DISK)
    const disk = await smallDisk(16)
    const directory = join(disk, 'store')
    const full = await openStore(directory)
    const core = full.get({ name: 'log' })
    await core.append('before')
    const filling = await fillDisk(disk)
    await expectCode(
      onStore(async () => {
        for (;;) await core.append(Buffer.alloc(64 * 1024, 1))
      }),
      'DISK_FULL',
    )
    expect((await core.get(0))?.toString()).toBe('before')

    await full.close().catch(() => undefined)
    await rm(filling)
    const again = (await openStore(directory)).get({ name: 'log' })
    expect((await again.get(0))?.toString()).toBe('before')
    await again.append('after')
  })

  test('is DISK_FULL on a plain file', async ({ skip }) => {
    skip(NO_SMALL_DISK !== undefined, NO_SMALL_DISK)
    const disk = await smallDisk(1)
    await fillDisk(disk)
    const write = () => writeFile(join(disk, 'more'), Buffer.alloc(8192))
    await expectCode(onStore(write), 'DISK_FULL')
  })
})

/** A closed store with one block, in files of every kind. */
async function storeOnDisk(): Promise<string> {
  const directory = await temporaryDirectory()
  const made = await openStore(directory)
  await made.get({ name: 'log' }).append(Buffer.alloc(100_000, 1))
  await made.storage.db.flush()
  await made.close()
  return directory
}

describe('a damaged store', () => {
  test.each(['CURRENT', 'MANIFEST', '.sst', '.blob'])(
    'is STORE_DAMAGED by its %s',
    async (kind) => {
      const directory = await storeOnDisk()
      const files = (await readdir(join(directory, 'db'))).filter((it) => it.includes(kind))
      expect(files).not.toEqual([])
      for (const it of files) await writeFile(join(directory, 'db', it), 'x'.repeat(700))
      const read = async () => {
        const core = store(directory).get({ name: 'log' })
        await core.ready()
        return core.get(0)
      }
      await expectCode(onStore(read), 'STORE_DAMAGED')
    },
  )

  test('is STORE_DAMAGED where a file is missing', async () => {
    const directory = await storeOnDisk()
    for (const it of await readdir(join(directory, 'db'))) {
      if (it.endsWith('.sst')) await rm(join(directory, 'db', it))
    }
    await expectCode(
      onStore(() => store(directory).ready()),
      'STORE_DAMAGED',
    )
  })
})

describe('a disk', () => {
  test('that is mounted read-only is READ_ONLY', async ({ skip }) => {
    skip(NO_SMALL_DISK !== undefined, NO_SMALL_DISK)
    const disk = await smallDisk(16)
    const directory = join(disk, 'store')
    await (await openStore(directory)).close()
    await remountReadOnly(disk)
    await expectCode(
      onStore(() => store(directory).ready()),
      'READ_ONLY',
    )
    await expectCode(
      onStore(() => writeFile(join(disk, 'file'), 'x')),
      'READ_ONLY',
    )
  })

  // What RocksDB and Node.js said when strace let their calls fail with EIO.
  test.each([
    'While pread offset 5853 len 53: /data/store/db/000039.sst: Input/output error',
    'While reading file sequentially: /data/store/db/CURRENT: Input/output error',
    'EIO: i/o error, fdatasync',
  ])('that fails is DISK_FAILED: %s', (message) => {
    const error = translateStorageError(Object.assign(new Error(message), { code: 'EIO' }))
    expect(error).toMatchObject({ code: 'DISK_FAILED' })
  })
})

describe('a store that closes', () => {
  test('is ABORTED for an append on its way', async () => {
    const closing = await openStore()
    const core = closing.get({ name: 'log' })
    await core.ready()
    const appends = Array.from({ length: 50 }, () => onStore(() => core.append('block')))
    const results = Promise.allSettled(appends)
    await closing.close()
    const failed = (await results).filter((it) => it.status === 'rejected')
    expect(failed.length).toBeGreaterThan(0)
    for (const { reason } of failed) {
      expect(reason).toBeInstanceOf(HyperletterError)
      expect(reason).toMatchObject({ code: 'ABORTED' })
    }
  })

  test('is ABORTED for whatever is asked of it afterwards', async () => {
    const closed = await openStore()
    const core = closed.get({ name: 'log' })
    await core.append('block')
    await closed.close()
    await expectCode(
      onStore(async () => closed.get({ name: 'log' })),
      'ABORTED',
    )
    await expectCode(
      onStore(() => core.append('block')),
      'ABORTED',
    )
    await expectCode(
      onStore(() => core.get(0)),
      'ABORTED',
    )
    await expectCode(
      onStore(() => closed.storage.db.flush()),
      'ABORTED',
    )
  })
})

describe('a directory', () => {
  test('that was copied is FEED_BEHIND', async () => {
    const parent = await temporaryDirectory()
    const original = await openStore(join(parent, 'store'))
    await original.get({ name: 'log' }).append('block')
    await original.close()
    await cp(join(parent, 'store'), join(parent, 'copy'), { recursive: true })
    await expectCode(
      onStore(() => store(join(parent, 'copy')).ready()),
      'FEED_BEHIND',
    )
  })

  test('that was renamed is fine', async () => {
    const parent = await temporaryDirectory()
    const original = await openStore(join(parent, 'store'))
    await original.get({ name: 'log' }).append('block')
    await original.close()
    await rename(join(parent, 'store'), join(parent, 'moved'))
    const moved = store(join(parent, 'moved'))
    await onStore(() => moved.ready())
    expect((await moved.get({ name: 'log' }).get(0))?.toString()).toBe('block')
  })

  test.each([
    ['EEXIST', 'INVALID_INPUT'],
    ['EACCES', 'INVALID_INPUT'],
    ['ENOSPC', 'DISK_FULL'],
  ] as const)('that cannot be made for %s is %s', (code, expected) => {
    const error = unusableDirectory('/data', Object.assign(new Error('mkdir'), { code }))
    expect(error).toMatchObject({ code: expected })
  })
})

describe('anything else', () => {
  test('stays what it is', () => {
    const ours = new HyperletterError('TIMEOUT', 'x')
    for (const it of [ours, new Error('unrelated'), 'text', undefined]) {
      expect(translateStorageError(it)).toBe(it)
    }
  })

  test('keeps its cause when it is translated', async () => {
    const cause = Object.assign(new Error('write'), { code: 'ENOSPC' })
    const error = await expectCode(
      onStore(() => Promise.reject(cause)),
      'DISK_FULL',
    )
    expect(error.cause).toBe(cause)
  })
})
