import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import Protomux from 'protomux'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { USES_INTERNALS } from '../../../src/log/internals/version.ts'
import { Downloader } from '../../../src/replication/downloader.ts'
import { runTypeScript, type Child } from '../../helpers/child.ts'
import { LogBuilder } from '../../helpers/log-builder.ts'
import {
  blockOf,
  connectNodes,
  expectBlocks,
  expectWhole,
  openAuthorOf,
  openNode,
  openReaderOf,
  requestsOf,
  type RangeNode,
} from '../../helpers/range-nodes.ts'
import { fillDisk, NO_SMALL_DISK, smallDisk } from '../../helpers/small-disk.ts'
import { auditOf, logOf, openFeed, openStore, SOUND } from '../../helpers/stores.ts'
import { eventually } from '../../helpers/swarm-peers.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

const READER = fileURLToPath(new URL('killed-reader.ts', import.meta.url))

const ENCRYPTION = { encryption: { key: Buffer.alloc(32, 9) } }

const all = (count: number, of = blockOf) => Array.from({ length: count }, (_, i) => of(i))

describe.runIf(USES_INTERNALS)('a transfer of runs', () => {
  test('goes on beside appends, an upgrade, blocks that are dropped and cleared, a close and a cut, and ends sound', async () => {
    const blocks = all(600)
    const from = await openAuthorOf(blocks.slice(0, 400))
    const to = await openReaderOf(from)
    let connection = await connectNodes(from, to)
    const range = to.core.download({ start: 0, end: -1 })
    const some = (count: number) =>
      eventually(() => expect(to.log.countHeld({ start: 0, end: 600 })).toBeGreaterThan(count))
    await some(0)
    await Promise.all([
      from.core.append(blocks.slice(400, 450)),
      to.log.drop({ start: 380, end: 400 }),
      from.log.drop({ start: 0, end: 30 }),
    ])
    await some(60)
    await from.core.append(blocks.slice(450))
    connection.cut()
    connection = await connectNodes(from, to)
    await eventually(() => expect(to.log.countHeld({ start: 30, end: 600 })).toBe(570), 30_000)
    const held = await expectBlocks(to.core, blocks)
    expect(held).toBe(to.log.countHeld({ start: 0, end: 600 }))
    await from.core.clear(30, 32)
    for (const index of [30, 31]) expect(await from.core.get(index)).toEqual(blocks[index])
    expect(await auditOf(to.core)).toEqual(SOUND)

    range.destroy()
    await to.log.drop({ start: 30, end: 590 })
    to.core.download({ start: 30, end: 590 })
    await to.log.close()
    await to.core.close()
    const again = to.store.get({ key: from.core.key ?? '', allowFork: false })
    await again.ready()
    await expectBlocks(again, blocks)
    expect(await auditOf(again)).toEqual(SOUND)
    expect([...to.misdeeds, ...from.misdeeds]).toEqual([])

    // Who may write cuts its own log back while the rest of it comes from a reader.
    const copy = await openReaderOf(from)
    await connectNodes(from, copy)
    copy.core.download({ start: 30, end: 600 })
    await eventually(() => expect(copy.log.countHeld({ start: 30, end: 600 })).toBe(570), 30_000)
    await from.log.drop({ start: 100, end: 600 })
    const back = from.core.download({ start: 100, end: 600 })
    await from.log.cutBack(200)
    back.destroy()
    expect(from.core.length).toBe(200)
    await expectBlocks(from.core, blocks.slice(0, 200))
    expect(await auditOf(from.core)).toEqual(SOUND)
  })

  test.skipIf(NO_SMALL_DISK !== undefined)(
    'that finds the disk full leaves it sound, blames nobody, and goes on where there is room',
    async () => {
      const blocks = all(900, (i) => Buffer.alloc(30_000, i))
      const from = await openAuthorOf(blocks)
      const disk = await smallDisk(24)
      const to = await openReaderOf(from, {}, join(disk, 'store'))
      await connectNodes(from, to)
      await eventually(() => expect(to.core.length).toBe(900))
      const first = to.core.download({ start: 800, end: 900 })
      await first.done()
      await fillDisk(disk)
      to.core.download({ start: 0, end: 800 })
      await eventually(() => expect(to.bad).not.toEqual([]), 30_000)

      expect(to.bad).toContainEqual(expect.objectContaining({ code: 'DISK_FULL' }))
      expect([...to.misdeeds, ...from.misdeeds]).toEqual([])
      const held = await expectBlocks(to.core, blocks)
      expect(held).toBe(to.log.countHeld({ start: 0, end: 900 }))
      expect(held).toBeLessThan(900)
    },
  )

  test('of a private newsletter goes by devices that cannot read it', async () => {
    const texts = all(200)
    const from = await openAuthorOf(texts, ENCRYPTION)
    const blind = await openReaderOf(from)
    await connectNodes(from, blind)
    blind.core.download({ start: 0, end: -1 })
    await eventually(() => expect(blind.core.contiguousLength).toBe(200), 30_000)
    expect(requestsOf(blind)).toBeLessThan(40)
    expect(await blind.core.get(7)).not.toEqual(texts[7])
    const reader = await openReaderOf(from, ENCRYPTION)
    await connectNodes(blind, reader)
    reader.core.download({ start: 0, end: -1 })
    await expectWhole(reader, texts)
    expect(requestsOf(reader)).toBeLessThan(40)
    // To a plain peer behind it, it is as any other copy.
    const plain = await openReaderOf(from, ENCRYPTION)
    await connectNodes(reader, plain, [])
    plain.core.download({ start: 0, end: -1 })
    await expectWhole(plain, texts)
  })

  test('leaves out what was taken back and what is not selected, also while it runs', async () => {
    const from = await openNode({ name: 'feed' })
    const writing = new LogBuilder(from.core)
    await writing.newsletter()
    const textOf = (number: number) => 2 * number - 1
    for (let number = 1; number <= 60; number++) await writing.issue({}, blockOf(number))
    const retract = (number: number) =>
      writing.record({ type: 'retraction', number, retractedAt: '2026-04-01T09:30:00Z' })
    const gone = Array.from({ length: 20 }, (_, i) => 10 + 2 * i)
    for (const number of gone) await retract(number)
    const [everything, few] = [await openReaderOf(from), await openReaderOf(from)]
    const feeds = [await openFeed(everything.core), await openFeed(few.core)] as const
    const newest = { start: textOf(50), end: from.core.length }
    feeds[1].select({ fetch: [newest], keep: [newest] })
    for (const [i, reader] of [everything, few].entries()) {
      const downloads = new Downloader(feeds[i] ?? feeds[0], () => undefined)
      onTestFinished(() => downloads.close())
      await connectNodes(from, reader)
    }
    await eventually(() =>
      expect(everything.log.countHeld({ start: 0, end: 60 })).toBeGreaterThan(20),
    )
    // What runs under way bring goes again.
    for (const number of [5, 6]) await retract(number)
    gone.push(5, 6)

    const missing = gone.map(textOf).toSorted((a, b) => a - b)
    const { length } = from.core
    await eventually(
      () => expect(everything.log.missingIn({ start: 0, end: length }, length)).toEqual(missing),
      30_000,
    )
    expect(requestsOf(everything)).toBeLessThan(length - missing.length)
    await eventually(() => expect(few.log.missingIn(newest, length)).toEqual([]), 30_000)
    await eventually(() =>
      expect(few.log.countHeld({ start: 0, end: newest.start })).toBeLessThanOrEqual(2),
    )
    for (const { core } of [everything, few]) expect(await auditOf(core)).toEqual(SOUND)
  })

  test('is not needed by a device where Hypercore decides by itself', async () => {
    const from = await openAuthorOf(all(100))
    const port = await serve(from)
    vi.stubEnv('HYPERLETTER_PLAIN_HYPERCORE', '1')
    const child = runReader(await temporaryDirectory(), port, from)
    vi.unstubAllEnvs()
    await child.line(/whole/)
    expect(child.stdout()).not.toContain('asked')
  })

  test(
    'is there in whole runs after each kill in the middle of it, and goes on from there',
    { timeout: 900_000 },
    async () => {
      const kills = Number(process.env['HYPERLETTER_TEST_KILLS'] ?? 2)
      const blocks = all(1_200, (i) => Buffer.alloc(4_000 + ((i * 577) % 9_000), `block ${i} `))
      const from = await openAuthorOf(blocks)
      const port = await serve(from)
      const held: number[] = []
      let directory = await temporaryDirectory()
      for (let kill = 0; kill < kills;) {
        const child = runReader(directory, port, from)
        await child.line(/asked|whole/)
        await sleep(Math.random() * 150)
        child.process.kill('SIGKILL')
        await child.ended()
        const store = await openStore(join(directory, 'store'))
        const core = store.get({ key: from.core.key ?? '', allowFork: false })
        await core.ready()
        const log = await logOf(core)
        for (const [, start, end] of child.stdout().matchAll(/asked (\d+) (\d+)\n/g)) {
          const run = { start: Number(start), end: Number(end) }
          expect([0, run.end - run.start]).toContain(log.countHeld(run))
        }
        expect(child.stdout()).not.toContain('misdeed')
        held.push(await expectBlocks(core, blocks))
        expect(held.at(-1)).toBe(log.countHeld({ start: 0, end: blocks.length }))
        expect(await auditOf(core)).toEqual(SOUND)
        await store.close()
        if (held.at(-1) === blocks.length) directory = await temporaryDirectory()
        else kill++
      }
      if (kills > 2) process.stdout.write(`Held after each kill: ${held.join(' ')}\n`)
    },
  )
})

function runReader(directory: string, port: number, { core }: RangeNode): Child {
  return runTypeScript(READER, directory, `${port}`, core.key?.toString('hex') ?? '')
}

/** Replicates with all that connect, until the running test ends; gives the TCP port. */
async function serve({ store, ranges }: RangeNode): Promise<number> {
  const server = createServer((socket) => {
    const stream = store.replicate(false)
    for (const it of [stream, socket]) it.on('error', () => undefined)
    void stream.noiseStream.opened.then(() => ranges.attach(Protomux.from(stream.noiseStream)))
    stream.pipe(socket).pipe(stream)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}
