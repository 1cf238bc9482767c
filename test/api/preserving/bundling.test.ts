import { randomBytes } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Engine } from '../../../src/engine/engine.ts'
import { keyBytes, parseFeedKey } from '../../../src/format/keys/feed-key.ts'
import type { Operations, Output } from '../../../src/api/contract/contract.ts'
import { bindOperations } from '../../../src/api/operations.ts'
import { openEngine } from '../../helpers/engines.ts'
import { beginNewsletter, issueOf } from '../../helpers/newsletters.ts'
import { all, checked, expectFailure, only, single } from '../../helpers/operations.ts'
import { openAuthor, publish } from '../../helpers/peers.ts'
import { fillDisk, NO_SMALL_DISK, smallDisk } from '../../helpers/small-disk.ts'
import { coreOf, openReplica } from '../../helpers/stores.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

type Finished = Extract<Output<'importBundle'>, { event: 'finished' }>

interface Device {
  readonly engine: Engine
  readonly operations: Operations
}

/** A device without any network. */
async function openDevice(dataDir?: string): Promise<Device> {
  const engine = await openEngine(dataDir === undefined ? {} : { dataDir })
  return { engine, operations: checked(bindOperations(engine, 'engine')) }
}

function openOfflineAuthor(options: { issues?: number; isPrivate?: boolean } = {}) {
  return openAuthor([], { ...options, isOnline: false })
}

async function exported(operations: Operations, newsletter: string, since?: number) {
  const input = since === undefined ? { newsletter } : { newsletter, since }
  return Buffer.concat(await all(operations.exportBundle(input)))
}

async function saved(bytes: Uint8Array): Promise<string> {
  const file = join(await temporaryDirectory(), 'a.bundle')
  await writeFile(file, bytes)
  return file
}

interface ImportOptions {
  readonly subscribe?: boolean
  readonly link?: string
  readonly encryptionKey?: string
}

async function imported(
  operations: Operations,
  bytes: Uint8Array,
  options: ImportOptions = {},
): Promise<Finished> {
  const events = await all(operations.importBundle({ file: await saved(bytes), ...options }))
  return single(only(events, 'finished'))
}

/** All that a person sees of the library. */
async function seen({ operations }: Device) {
  const newsletters = await operations.listNewsletters({})
  const issues = newsletters.map((it) => operations.listIssues({ newsletter: it.feedKey }))
  return { newsletters, issues: await Promise.all(issues) }
}

describe('a newsletter in a file', () => {
  it('is read where there is no network, and passed on to a third', async () => {
    const author = await openOfflineAuthor({ issues: 3 })
    const { feedKey } = author
    const bundle = await exported(author.operations, feedKey)
    const reader = await openDevice()
    const finished = await imported(reader.operations, bundle, { subscribe: true })
    expect(finished).toMatchObject({
      feedKey,
      title: 'Tide tables',
      issues: 3,
      blocks: 7,
      added: 7,
    })
    expect(finished.bytes).toBe(bundle.byteLength)

    const issue = await reader.operations.readIssue({ newsletter: feedKey, number: 2 })
    expect(issue).toMatchObject({ title: 'Issue 2', verified: true })
    expect(issue.markdown).toContain("High water at 2 o'clock.")
    expect(await reader.operations.listInbox({})).toHaveLength(3)
    expect((await reader.operations.status({})).online).toBe(false)

    const { feed } = await reader.engine.open({ feedKey: parseFeedKey(feedKey) }, { online: false })
    const third = await openReplica(coreOf(feed))
    await third.core.download({ start: 0, end: 7 }).done()
    expect(third.core.contiguousLength).toBe(7)
    expect((await exported(reader.operations, feedKey)).equals(bundle)).toBe(true)
  })

  it('is seeded unless it is in the library already', async () => {
    const author = await openOfflineAuthor({ issues: 1 })
    const bundle = await exported(author.operations, author.feedKey)
    const device = await openDevice()
    const roles = async () => single(await device.operations.listNewsletters({})).roles
    await imported(device.operations, bundle)
    expect(await roles()).toEqual(['seeder'])
    await imported(device.operations, bundle, { subscribe: true })
    expect(await roles()).toEqual(['subscriber', 'seeder'])
    expect((await imported(device.operations, bundle)).added).toBe(0)
    expect(await roles()).toEqual(['subscriber', 'seeder'])
    await imported(author.operations, bundle)
    expect(single(await author.operations.listNewsletters({})).roles).toEqual(['author'])
    await publish(author.operations, '# One more\n')
  })

  it('brings what is new, and loses nothing when it is old', async () => {
    const author = await openOfflineAuthor({ issues: 2 })
    const { feedKey } = author
    const old = await exported(author.operations, feedKey)
    await publish(author.operations, '# Issue 3\n')
    const recent = await exported(author.operations, feedKey)
    const reader = await openDevice()
    await imported(reader.operations, old, { subscribe: true })
    expect((await imported(reader.operations, recent)).added).toBe(2)
    const before = await seen(reader)
    expect((await imported(reader.operations, old)).added).toBe(0)
    expect(await seen(reader)).toEqual(before)
  })

  it('may begin with a later issue', async () => {
    const author = await openOfflineAuthor({ issues: 40 })
    const { feedKey } = author
    const bundle = await exported(author.operations, feedKey, 39)
    const reader = await openDevice()
    const finished = await imported(reader.operations, bundle, { subscribe: true })
    expect(finished).toMatchObject({ title: 'Tide tables', issues: 2, blocks: 5 })
    const issues = await reader.operations.listIssues({ newsletter: feedKey })
    expect(issues.map((it) => it.number)).toEqual([40, 39])
    expect((await exported(reader.operations, feedKey, 39)).equals(bundle)).toBe(true)
    await expectFailure('NOT_AVAILABLE', exported(reader.operations, feedKey))
    await expectFailure('ISSUE_NOT_FOUND', exported(author.operations, feedKey, 41))
    await imported(reader.operations, await exported(author.operations, feedKey))
    expect(await reader.operations.listIssues({ newsletter: feedKey })).toHaveLength(40)
  })

  it('is known while the device is online', async () => {
    const author = await openOfflineAuthor({ issues: 1 })
    const reader = await openDevice()
    await reader.engine.network()
    await imported(reader.operations, await exported(author.operations, author.feedKey))
    const status = await reader.operations.status({})
    expect(single(status.newsletters)).toMatchObject({ heldBlocks: 3, length: 3 })
  })
})

describe('a private newsletter in a file', () => {
  it('shows nothing of what is in it, and is seeded blindly', async () => {
    const author = await openOfflineAuthor({ issues: 2, isPrivate: true })
    const bundle = await exported(author.operations, author.feedKey)
    for (const secret of ['Tide', 'High water', 'hyperletter"', 'title']) {
      expect(bundle.includes(secret)).toBe(false)
    }
    const seeder = await openDevice()
    const finished = await imported(seeder.operations, bundle)
    expect(finished).toMatchObject({ issues: 0, blocks: 5, added: 5 })
    expect(finished).not.toHaveProperty('title')
    expect((await exported(seeder.operations, author.feedKey)).equals(bundle)).toBe(true)
  })

  it('is read with its link, or with the key in it', async () => {
    const { operations, feedKey, link } = await openOfflineAuthor({ issues: 2, isPrivate: true })
    const bundle = await exported(operations, feedKey)
    const encryptionKey = link.slice(link.indexOf('#') + 1)
    for (const secret of [{ link }, { encryptionKey }]) {
      const reader = await openDevice()
      const finished = await imported(reader.operations, bundle, { subscribe: true, ...secret })
      expect(finished).toMatchObject({ title: 'Tide tables', issues: 2 })
      const issue = await reader.operations.readIssue({ newsletter: feedKey })
      expect(issue.markdown).toContain("High water at 2 o'clock.")
      expect(single(await reader.operations.listNewsletters({})).link).toBe(link)
    }
  })

  it('waits for its key, and takes no wrong one', async () => {
    const { operations, feedKey, link } = await openOfflineAuthor({ issues: 1, isPrivate: true })
    const bundle = await exported(operations, feedKey)
    const reader = await openDevice()
    await expectFailure('NEEDS_KEY', imported(reader.operations, bundle, { subscribe: true }))
    const encryptionKey = 'y'.repeat(52)
    const wrong = { subscribe: true, encryptionKey }
    await expectFailure('NEEDS_KEY', imported(reader.operations, bundle, wrong))
    expect(single(await reader.operations.listNewsletters({}))).toMatchObject({
      roles: ['seeder'],
      private: false,
      link: `hyperletter://${feedKey}`,
    })
    await all(reader.operations.subscribe({ link }))
    expect((await reader.operations.readIssue({ newsletter: feedKey })).title).toBe('Issue 1')
  })

  it('stays readable when a wrong key comes later', async () => {
    const { operations, feedKey, link } = await openOfflineAuthor({ issues: 1, isPrivate: true })
    const bundle = await exported(operations, feedKey)
    const reader = await openDevice()
    await imported(reader.operations, bundle, { subscribe: true, link })
    const wrong = { subscribe: true, encryptionKey: 'y'.repeat(52) }
    await expectFailure('NEEDS_KEY', imported(reader.operations, bundle, wrong))
    expect((await reader.operations.readIssue({ newsletter: feedKey })).title).toBe('Issue 1')
    await imported(reader.operations, bundle, { subscribe: true })
  })
})

describe('a file that is no sound bundle', () => {
  it('changes nothing', async () => {
    const author = await openOfflineAuthor({ issues: 2 })
    const { feedKey } = author
    const old = await exported(author.operations, feedKey)
    await publish(author.operations, '# Issue 3\n')
    const bundle = await exported(author.operations, feedKey)
    const flipped = (bit: number) => {
      const bytes = Buffer.from(bundle)
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      return bytes
    }
    const broken = [
      Buffer.alloc(0),
      randomBytes(5_000),
      Buffer.concat([bundle, bundle]),
      ...Array.from({ length: 20 }, (_, i) =>
        bundle.subarray(0, Math.floor((bundle.byteLength * i) / 20)),
      ),
      ...Array.from({ length: 50 }, () =>
        flipped(randomBytes(4).readUInt32LE() % (bundle.byteLength * 8)),
      ),
    ]
    const empty = await openDevice()
    const reader = await openDevice()
    await imported(reader.operations, old, { subscribe: true })
    const before = await seen(reader)
    for (const bytes of broken) {
      await expectFailure('INVALID_BUNDLE', imported(empty.operations, bytes))
      await expectFailure('INVALID_BUNDLE', imported(reader.operations, bytes))
    }
    expect(await seen(empty)).toEqual({ newsletters: [], issues: [] })
    expect(await seen(reader)).toEqual(before)
    expect((await imported(reader.operations, bundle)).added).toBe(2)
  })

  it('is told apart from no file at all', async () => {
    const { operations } = await openDevice()
    const folder = await temporaryDirectory()
    for (const file of [folder, join(folder, 'gone.bundle'), '/dev/null']) {
      await expectFailure('INVALID_INPUT', operations.importBundle({ file }))
    }
  })

  it('is one of another newsletter than the link says', async () => {
    const author = await openOfflineAuthor({ issues: 1 })
    const other = await openOfflineAuthor()
    const bundle = await exported(author.operations, author.feedKey)
    const device = await openDevice()
    const link = other.link
    const wanted = { subscribe: true, link }
    await expectFailure('INVALID_BUNDLE', imported(device.operations, bundle, wanted))
    expect(await device.operations.listNewsletters({})).toEqual([])
    await expectFailure('INVALID_LINK', imported(device.operations, bundle, { link: 'x' }))
  })

  it('is one of another history', async () => {
    const honest = await openDevice()
    const forger = await openDevice()
    for (const [device, title] of [
      [honest, 'High'],
      [forger, 'Low'],
    ] as const) {
      const { feed } = await beginNewsletter(device.engine)
      await device.engine.author.append(feed, [await issueOf(title)])
    }
    const { feedKey } = single(await honest.operations.listNewsletters({}))
    const reader = await openDevice()
    await imported(reader.operations, await exported(honest.operations, feedKey))
    const before = await seen(reader)
    const forged = await exported(forger.operations, feedKey)
    await expectFailure('FEED_CONFLICT', imported(reader.operations, forged, { subscribe: true }))
    const after = await seen(reader)
    const { problem, ...unmarked } = single(after.newsletters)
    expect({ ...after, newsletters: [unmarked] }).toEqual(before)
    expect(problem).toMatchObject({ code: 'FEED_CONFLICT', evidence: { length: 3 } })
    const { feed } = await reader.engine.open({ feedKey: parseFeedKey(feedKey) }, { online: false })
    expect(await feed.verify({ start: 0, end: feed.length })).toBe(true)
  })
})

describe('an import that is interrupted', () => {
  it('leaves nothing in the library, and is finished by doing it again', async () => {
    const author = await openOfflineAuthor({ issues: 2 })
    const bundle = await exported(author.operations, author.feedKey)
    const file = await saved(bundle)
    const device = await openDevice()
    const interrupt = new AbortController()
    const events = device.operations.importBundle({ file }, { signal: interrupt.signal })
    const interrupted = (async () => {
      for await (const _ of events) interrupt.abort()
    })()
    await expectFailure('ABORTED', interrupted)
    expect(await device.operations.listNewsletters({})).toEqual([])
    expect((await imported(device.operations, bundle)).issues).toBe(2)
  })

  it('by a full disk can be done again', async ({ skip }) => {
    skip(NO_SMALL_DISK !== undefined, NO_SMALL_DISK)
    const author = await openDevice()
    const { feed } = await beginNewsletter(author.engine)
    for (let i = 0; i < 12; i++) {
      const text = randomBytes(256 * 1024).toString('base64')
      await author.engine.author.append(feed, [await issueOf(`Tides ${i}`, text)])
    }
    const bundle = await exported(author.operations, feed.feedKey)
    const disk = await smallDisk(64)
    const device = await openDevice(disk)
    const filling = await fillDisk(disk)
    await expectFailure('DISK_FULL', imported(device.operations, bundle))
    await writeFile(filling, '')
    await device.engine.close()
    const again = await openDevice(disk)
    expect(await imported(again.operations, bundle)).toMatchObject({ issues: 12 })
  })
})

describe('keys', () => {
  it('of a private newsletter are in no bundle', async () => {
    const { operations, feedKey, link } = await openOfflineAuthor({ issues: 1, isPrivate: true })
    const key = keyBytes(parseFeedKey(link.slice(link.indexOf('#') + 1)))
    const file = await saved(await exported(operations, feedKey))
    expect((await readFile(file)).includes(Buffer.from(key))).toBe(false)
    expect(await readdir(join(file, '..'))).toEqual(['a.bundle'])
  })
})
