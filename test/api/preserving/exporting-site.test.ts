import { chmod, mkdir, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Output } from '../../../src/api/contract/contract.ts'
import { bindOperations } from '../../../src/api/operations.ts'
import { loadSiteAssets } from '../../../src/api/preserving/website.ts'
import { collect } from '../../../src/format/bytes.ts'
import { History } from '../../../src/format/history/history.ts'
import { parseLink } from '../../../src/format/keys/link.ts'
import { asBundle } from '../../../src/format/log-files/verified-files.ts'
import { LogFiles } from '../../../src/format/log-files/log-files.ts'
import type { LogFileSource } from '../../../src/format/log-files/source.ts'
import { openEngine } from '../../helpers/engines.ts'
import { expectCode } from '../../helpers/errors.ts'
import { all, checked, expectFailure, only, single } from '../../helpers/operations.ts'
import { openAuthor, publish, type Peer } from '../../helpers/peers.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

type Finished = Extract<Output<'exportSite'>, { event: 'finished' }>

async function exported(
  { operations }: Pick<Peer, 'operations'>,
  newsletter: string,
  folder: string,
  options = {},
): Promise<Finished> {
  return single(
    only(await all(operations.exportSite({ newsletter, folder, ...options })), 'finished'),
  )
}

/** Without pages. */
const LOG_ONLY = { logOnly: true }

const author = (options: { issues?: number; isPrivate?: boolean } = {}) =>
  openAuthor([], { ...options, isOnline: false })

async function newFolder(): Promise<string> {
  return join(await temporaryDirectory(), 'site')
}

/** Names of all files with their contents. */
async function contentsOf(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const found: Record<string, string> = {}
  for (const it of entries.filter((entry) => entry.isFile())) {
    const path = join(it.parentPath, it.name)
    found[path.slice(folder.length + 1)] = (await readFile(path)).toString('base64')
  }
  return found
}

const onDisk = (folder: string): LogFileSource => ({
  get: async (path, { from, to }) => (await readFile(join(folder, 'log', path))).subarray(from, to),
})

/** A device that took the whole newsletter from a bundle. */
async function copyOf(peer: Peer, feedKey: string): Promise<Pick<Peer, 'operations'>> {
  const file = join(await temporaryDirectory(), 'a.bundle')
  await writeFile(
    file,
    Buffer.concat(await all(peer.operations.exportBundle({ newsletter: feedKey }))),
  )
  const engine = await openEngine()
  const operations = checked(bindOperations(engine, 'engine'))
  await all(operations.importBundle({ file, subscribe: true }))
  return { operations }
}

describe('a newsletter as a folder for a web server', () => {
  it('is the bundle in pieces, and says where it is', async () => {
    const peer = await author({ issues: 3 })
    const folder = await newFolder()
    const finished = await exported(peer, peer.feedKey, folder)
    const names = Object.keys(await contentsOf(folder))
    const { length: files } = names
    expect(finished).toMatchObject({ title: 'Tide tables', files, changed: files, removed: 0 })
    expect(names.filter((it) => /^(?:log\/|hyperletter)/.test(it)).toSorted()).toEqual([
      'hyperletter.json',
      'log/blocks/0-7',
      'log/head',
      'log/records/0-7',
    ])
    expect(JSON.parse(await readFile(join(folder, 'hyperletter.json'), 'utf8'))).toEqual({
      hyperletter: 1,
      feedKey: peer.feedKey,
      log: 'log/',
    })
    const log = await LogFiles.open(onDisk(folder))
    const bundle = await all(peer.operations.exportBundle({ newsletter: peer.feedKey }))
    expect(Buffer.concat(bundle).equals(await collect(asBundle(log.files)))).toBe(true)
    // A web server runs as another user.
    expect((await stat(join(folder, 'log', 'head'))).mode & 0o044).toBe(0o044)
    expect((await stat(join(folder, 'log', 'blocks'))).mode & 0o055).toBe(0o055)
  })

  it('has the same bytes whoever makes it, and stays as it is when there is nothing new', async () => {
    const peer = await author({ issues: 130 })
    const [one, other] = [await newFolder(), await newFolder()]
    await exported(peer, peer.feedKey, one)
    await exported(await copyOf(peer, peer.feedKey), peer.feedKey, other)
    const contents = await contentsOf(one)
    expect(await contentsOf(other)).toEqual(contents)

    const long = new Date('2026-01-01')
    for (const path of Object.keys(contents)) await utimes(join(one, path), long, long)
    expect(await exported(peer, peer.feedKey, one)).toMatchObject({ changed: 0, removed: 0 })
    for (const path of Object.keys(contents)) {
      expect((await stat(join(one, path))).mtime).toEqual(long)
    }
  })

  it('gets one more issue with few files, and loses old ones one publication later', async () => {
    const peer = await author({ issues: 130 })
    const folder = await newFolder()
    await exported(peer, peer.feedKey, folder, LOG_ONLY)
    await publish(peer.operations, '# One more\n\nHigh water.\n')
    const second = await exported(peer, peer.feedKey, folder, LOG_ONLY)
    expect(second).toMatchObject({ changed: 3, removed: 0 })
    expect(Object.keys(await contentsOf(folder))).toContain('log/blocks/256-5')
    await publish(peer.operations, '# Another one\n\nHigh water.\n')
    expect(await exported(peer, peer.feedKey, folder, LOG_ONLY)).toMatchObject({
      changed: 3,
      removed: 2,
    })
    const names = Object.keys(await contentsOf(folder))
    expect(names).not.toContain('log/blocks/256-5')
    expect(names).toEqual(expect.arrayContaining(['log/blocks/256-7', 'log/blocks/256-9']))
    const fresh = await newFolder()
    await exported(peer, peer.feedKey, fresh, LOG_ONLY)
    const again = await contentsOf(folder)
    expect(again).toMatchObject(await contentsOf(fresh))
  })

  it('loses what its author retracted at once', async () => {
    const peer = await author({ issues: 3 })
    const folder = await newFolder()
    await publish(peer.operations, '# Secret\n\nNobody should have seen this.\n')
    await exported(peer, peer.feedKey, folder, LOG_ONLY)
    await peer.operations.retractIssue({ newsletter: peer.feedKey, number: 4 })
    expect(await exported(peer, peer.feedKey, folder, LOG_ONLY)).toMatchObject({ removed: 1 })
    const packs = Object.entries(await contentsOf(folder)).filter(([it]) => it.includes('blocks/'))
    expect(packs).toHaveLength(1)
    const log = await LogFiles.open(onDisk(folder))
    expect(log.files.head.holes).toEqual([{ start: 7, end: 8 }])
    const bundle = await all(peer.operations.exportBundle({ newsletter: peer.feedKey }))
    expect(Buffer.concat(bundle).equals(await collect(asBundle(log.files)))).toBe(true)
    // What only grew waits for one publication as ever.
    await publish(peer.operations, '# One more\n\nHigh water.\n')
    expect(await exported(peer, peer.feedKey, folder, LOG_ONLY)).toMatchObject({ removed: 1 })
    const left = Object.keys(await contentsOf(folder)).filter((it) => it.includes('blocks/'))
    expect(left).toHaveLength(2)
  })

  it('of a private newsletter is ciphertext, which the link reads', async () => {
    const peer = await author({ issues: 3, isPrivate: true })
    const folder = await newFolder()
    await exported(peer, peer.feedKey, folder)
    const { encryptionKey } = parseLink(peer.link)
    const { 'reader.html': reader, ...others } = await contentsOf(folder)
    // The program, which is the same for every newsletter.
    const { reader: program } = await loadSiteAssets()
    expect(Buffer.from(reader ?? '', 'base64').toString()).toBe(program)
    const files = Object.values(others).map((it) => Buffer.from(it, 'base64'))
    for (const text of ['Tide', 'Issue', 'previous', encryptionKey ?? '']) {
      expect(files.filter((it) => it.includes(text))).toEqual([])
    }
    const log = await LogFiles.open(onDisk(folder), { encryptionKey })
    await log.fetchRecords()
    expect((await new History(log).list()).issues).toHaveLength(3)

    // Who seeds it without the key cannot tell which blocks are records.
    const blind = await newFolder()
    const file = join(await temporaryDirectory(), 'a.bundle')
    await writeFile(
      file,
      Buffer.concat(await all(peer.operations.exportBundle({ newsletter: peer.feedKey }))),
    )
    const seeder = checked(bindOperations(await openEngine(), 'engine'))
    await all(seeder.importBundle({ file }))
    await exported({ operations: seeder }, peer.feedKey, blind, LOG_ONLY)
    const {
      'hyperletter.json': _where,
      'reader.html': _reader,
      'log/records/0-7': records,
      ...rest
    } = await contentsOf(folder)
    expect(records).toBeDefined()
    expect(await contentsOf(blind)).toEqual(rest)
  })

  it('mends what was cut short or damaged, and leaves alone what is not its own', async () => {
    const peer = await author({ issues: 130 })
    const folder = await newFolder()
    await exported(peer, peer.feedKey, folder)
    const contents = await contentsOf(folder)
    await writeFile(join(folder, 'log', 'blocks', '0-256'), 'cut')
    await writeFile(join(folder, 'log', 'tree', '0'), Buffer.alloc(10_240))
    await writeFile(join(folder, 'log', 'blocks', 'notes.txt'), 'mine')
    await mkdir(join(folder, 'log', 'blocks', '3-3'))
    expect(await exported(peer, peer.feedKey, folder)).toMatchObject({ removed: 0 })
    expect(await contentsOf(folder)).toMatchObject({
      'log/blocks/0-256': contents['log/blocks/0-256'],
    })
    await publish(peer.operations, '# One more\n\nHigh water.\n')
    await exported(peer, peer.feedKey, folder)
    expect(Object.keys(await contentsOf(folder))).toContain('log/blocks/notes.txt')
  })

  it('is not written over another newsletter, another history or more than is here', async () => {
    const peer = await author({ issues: 2 })
    const behind = await copyOf(peer, peer.feedKey)
    await publish(peer.operations, '# Issue 3\n\nHigh water.\n')
    const folder = await newFolder()
    await exported(peer, peer.feedKey, folder)
    const contents = await contentsOf(folder)
    const exporting = behind.operations.exportSite({ newsletter: peer.feedKey, folder })
    await expectFailure('FEED_BEHIND', exporting)
    const other = await author({ issues: 1 })
    await expectFailure(
      'INVALID_INPUT',
      other.operations.exportSite({ newsletter: other.feedKey, folder }),
    )
    expect(await contentsOf(folder)).toEqual(contents)
    await writeFile(join(folder, 'log', 'head'), 'not a head')
    await expectFailure(
      'INVALID_INPUT',
      peer.operations.exportSite({ newsletter: peer.feedKey, folder }),
    )
    await writeFile(join(folder, 'file'), '')
    const below = exported(peer, peer.feedKey, join(folder, 'file', 'site'))
    expect((await expectFailure('INVALID_INPUT', below)).hint).toContain('may write to')
  })

  it('is not written where nothing may be written, and ends when it is interrupted', async () => {
    const peer = await author({ issues: 2 })
    const folder = await temporaryDirectory()
    await writeFile(join(folder, 'log'), 'in the way')
    await expectCode(exported(peer, peer.feedKey, folder), 'INVALID_INPUT')
    await chmod(folder, 0o700)
    const interrupt = new AbortController()
    const input = { newsletter: peer.feedKey, folder: await newFolder(), ...LOG_ONLY }
    const events = peer.operations.exportSite(input, { signal: interrupt.signal })
    const run = async () => {
      for await (const { event } of events) if (event === 'writing') interrupt.abort()
    }
    await expectCode(run(), 'ABORTED')
    expect(await exported(peer, peer.feedKey, input.folder, LOG_ONLY)).toMatchObject({ files: 3 })
  })
})
