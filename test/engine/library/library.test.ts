import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import type Corestore from 'corestore'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Store } from '../../../src/log/store/store.ts'
import { Library } from '../../../src/engine/library/library.ts'
import { encryptionKeyOf, feedKeyOf } from '../../../src/format/keys/feed-key.ts'
import { expectCode } from '../../helpers/errors.ts'
import { all } from '../../helpers/operations.ts'
import { openStore } from '../../helpers/stores.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

const FEED = feedKeyOf(new Uint8Array(32).fill(1))
const OTHER = feedKeyOf(new Uint8Array(32).fill(2))
const SECRET = encryptionKeyOf(new Uint8Array(32).fill(3))

async function openLibrary(store?: Corestore): Promise<Library> {
  const library = await Library.open(
    await new Store(store ?? (await openStore())).openKeyValues('library'),
  )
  onTestFinished(() => library.close())
  return library
}

/** Runs `work` on one library, and gives another one that was opened on the same data later. */
async function reopened(work: (library: Library) => Promise<unknown>): Promise<Library> {
  const directory = join(await temporaryDirectory(), 'store')
  const store = await openStore(directory)
  const library = await openLibrary(store)
  await work(library)
  await library.close()
  await store.close()
  return openLibrary(await openStore(directory))
}

describe('roles', () => {
  test('are added to one entry, in a fixed order', async () => {
    const library = await openLibrary()
    await library.add(FEED, 'seeder')
    await library.add(FEED, 'author')
    await library.add(FEED, 'seeder')
    expect(library.get(FEED)?.roles).toEqual(['author', 'seeder'])
    expect(library.list()).toHaveLength(1)
  })

  test('go one by one, and the entry with the last', async () => {
    const library = await openLibrary()
    await library.add(FEED, 'subscriber', { title: 'Tides' })
    await library.add(FEED, 'seeder')
    expect((await library.remove(FEED, 'subscriber'))?.roles).toEqual(['seeder'])
    expect(library.get(FEED)?.title).toBe('Tides')
    expect(await library.remove(FEED, 'seeder')).toBeUndefined()
    expect(library.get(FEED)).toBeUndefined()
    expect(library.list()).toEqual([])
  })

  test('cannot be taken from a feed that has another role only, or is not here', async () => {
    const library = await openLibrary()
    await library.add(FEED, 'seeder')
    await expectCode(library.remove(FEED, 'subscriber'), 'NEWSLETTER_NOT_FOUND')
    await expectCode(library.remove(OTHER, 'seeder'), 'NEWSLETTER_NOT_FOUND')
    expect(library.get(FEED)?.roles).toEqual(['seeder'])
  })
})

describe('what is known of a feed', () => {
  test('stays when a role is added', async () => {
    const library = await openLibrary()
    const { addedAt } = await library.add(FEED, 'subscriber', {
      title: 'Tides',
      encryptionKey: SECRET,
    })
    await library.add(FEED, 'seeder')
    const roles = ['subscriber', 'seeder']
    const entry = { feedKey: FEED, addedAt, title: 'Tides', encryptionKey: SECRET, roles }
    expect(library.get(FEED)).toEqual(entry)
  })

  test('changes with an update, and not for a feed that has left', async () => {
    const library = await openLibrary()
    const problem = { code: 'FEED_CONFLICT', message: 'Two histories.' }
    await library.add(FEED, 'seeder')
    await library.update(FEED, { title: 'Tides', problem })
    await library.update(OTHER, { title: 'Nobody' })
    expect(library.get(FEED)).toMatchObject({ title: 'Tides', problem })
    expect(library.get(OTHER)).toBeUndefined()
  })

  test('is listed in the order in which it was added', async () => {
    const library = await openLibrary()
    await library.add(OTHER, 'seeder', {})
    await library.add(FEED, 'seeder', {})
    await library.add(OTHER, 'subscriber', {})
    expect(library.list().map((it) => it.feedKey)).toEqual([OTHER, FEED])
  })
})

describe('read marks', () => {
  test('are kept for each feed', async () => {
    const library = await openLibrary()
    for (const number of [1, 2, 10, 4_294_967_296])
      await library.marks.set('read', FEED, [number], true)
    await library.marks.set('read', OTHER, [3], true)
    expect(await library.marks.numbers('read', FEED)).toEqual(new Set([1, 2, 10, 4_294_967_296]))
    expect(await library.marks.numbers('read', OTHER)).toEqual(new Set([3]))
  })

  test('can be taken back', async () => {
    const library = await openLibrary()
    await library.marks.set('read', FEED, [1], true)
    await library.marks.set('read', FEED, [2], true)
    await library.marks.set('read', FEED, [1], false)
    await library.marks.set('read', FEED, [7], false)
    expect(await library.marks.numbers('read', FEED)).toEqual(new Set([2]))
  })

  test('say which edition was read, and keep the newest', async () => {
    const before: unknown[] = []
    const library = await reopened(async ({ marks }) => {
      await marks.set('read', FEED, [1, 2], true)
      const set = (edition: number) => marks.set('read', FEED, [1], true, new Map([[1, edition]]))
      // It was read already, the second edition was not, and the first is older.
      before.push(await set(4), await set(9), await set(4))
    })
    expect(before).toEqual([0, 1, 0])
    expect(await library.marks.editionsRead(FEED)).toEqual(new Map([[1, 9]]))
    expect(await library.marks.numbers('read', FEED)).toEqual(new Set([1, 2]))
    await library.marks.set('read', FEED, [1], false)
    expect(await library.marks.editionsRead(FEED)).toEqual(new Map())
  })

  test('take no disk space when they are set again', async () => {
    const store = await openStore()
    const library = await openLibrary(store)
    await library.marks.set('read', FEED, [1], true)
    const core = store.get({ name: 'library' })
    await core.ready()
    const { length } = core
    await library.marks.set('read', FEED, [1], true)
    expect(core.length).toBe(length)
  })
})

describe('on disk', () => {
  test('there is nothing before something is written, and nothing is read then', async () => {
    const store = await openStore()
    const library = await openLibrary(store)
    expect(library.list()).toEqual([])
    expect(await library.marks.numbers('read', FEED)).toEqual(new Set())
    expect(await all(store.list())).toEqual([])
    await library.marks.set('read', FEED, [1], true)
    expect(await all(store.list())).toHaveLength(1)
    expect(await library.marks.numbers('read', FEED)).toEqual(new Set([1]))
  })

  test('everything survives to the next opening', async () => {
    const before: unknown[] = []
    const library = await reopened(async (it) => {
      await it.add(FEED, 'author', { title: 'Tides', encryptionKey: SECRET })
      await it.add(OTHER, 'seeder')
      await it.add(OTHER, 'subscriber')
      await it.remove(OTHER, 'seeder')
      await it.marks.set('read', OTHER, [12], true)
      before.push(...it.list())
    })
    expect(new Set(library.list())).toEqual(new Set(before))
    expect(await library.marks.numbers('read', OTHER)).toEqual(new Set([12]))
  })

  test('a removed entry stays removed', async () => {
    const library = await reopened(async (it) => {
      await it.add(FEED, 'seeder')
      await it.remove(FEED, 'seeder')
    })
    expect(library.list()).toEqual([])
  })

  test('fields that a newer version wrote do no harm', async () => {
    const store = await openStore()
    const library = await openLibrary(store)
    await library.add(FEED, 'seeder', { shelf: 'nautical' } as object)
    await library.close()
    expect((await openLibrary(store)).get(FEED)?.roles).toEqual(['seeder'])
  })
})

describe('many writes at once', () => {
  test('lose no role, no title and no mark', async () => {
    const numbers = Array.from({ length: 50 }, (_, i) => i + 1)
    const library = await reopened((it) =>
      Promise.all([
        it.add(FEED, 'author'),
        it.add(FEED, 'subscriber'),
        it.update(FEED, { title: 'Tides' }),
        it.add(FEED, 'seeder'),
        it.add(OTHER, 'seeder'),
        it.remove(FEED, 'subscriber'),
        ...numbers.map((number) => it.marks.set('read', FEED, [number], true)),
      ]),
    )
    expect(library.get(FEED)).toMatchObject({ roles: ['author', 'seeder'], title: 'Tides' })
    expect(library.get(OTHER)?.roles).toEqual(['seeder'])
    expect(await library.marks.numbers('read', FEED)).toEqual(new Set(numbers))
  })

  test('can be seen at once, before they are on disk', async () => {
    const library = await openLibrary()
    const adding = library.add(FEED, 'subscriber', { title: 'Tides' })
    expect(library.get(FEED)).toMatchObject({ roles: ['subscriber'], title: 'Tides' })
    await adding
    const removing = library.remove(FEED, 'subscriber')
    expect(library.get(FEED)).toBeUndefined()
    await removing
  })

  test('wait for what is more urgent, and are seen meanwhile', async () => {
    const store = await openStore()
    const library = await openLibrary(store)
    let isOver: (() => void) | undefined
    const urgent = new Promise<void>((resolve) => (isOver = resolve))
    const adding = library.add(FEED, 'subscriber', {}, urgent)
    expect(library.get(FEED)?.roles).toEqual(['subscriber'])
    await setImmediate()
    expect(await all(store.list())).toEqual([])
    isOver?.()
    await adding
    expect(await all(store.list())).toHaveLength(1)
  })

  test('leave what was there before when they fail', async () => {
    const library = await openLibrary()
    await library.add(FEED, 'subscriber', { title: 'Tides' })
    await library.close()
    await expectCode(library.add(FEED, 'seeder'), 'ABORTED')
    await expectCode(library.remove(FEED, 'subscriber'), 'ABORTED')
    expect(library.get(FEED)).toMatchObject({ roles: ['subscriber'], title: 'Tides' })
  })

  test('go on after one of them failed', async () => {
    const library = await openLibrary()
    const failed = expectCode(library.remove(FEED, 'seeder'), 'NEWSLETTER_NOT_FOUND')
    const added = library.add(FEED, 'seeder')
    await failed
    expect((await added).roles).toEqual(['seeder'])
  })

  test('end before the library closes', async () => {
    const library = await reopened(async (it) => {
      const adding = it.add(FEED, 'seeder')
      await it.close()
      await adding
    })
    expect(library.get(FEED)?.roles).toEqual(['seeder'])
  })

  test('fail with ABORTED once it is closed', async () => {
    const library = await openLibrary()
    await library.close()
    await expectCode(library.add(FEED, 'seeder'), 'ABORTED')
    expect(library.get(FEED)).toBeUndefined()
    await expectCode(library.marks.numbers('read', FEED), 'ABORTED')
  })
})
