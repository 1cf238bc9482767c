import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { chmod, mkdir, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import createTestnet from 'hyperdht/testnet.js'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { coreOf, connect } from '../helpers/stores.ts'
import { holdLock } from '../helpers/lock-holder.ts'
import { openEngine } from '../helpers/engines.ts'
import { expectCode } from '../helpers/errors.ts'
import { beginNewsletter, issueOf } from '../helpers/newsletters.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { Network } from '../../src/engine/network/network.ts'
import { feedKeyOf } from '../../src/format/keys/feed-key.ts'

const SOME_FEED = feedKeyOf(new Uint8Array(32).fill(1))

async function modeOf(path: string): Promise<number> {
  return (await stat(path)).mode & 0o777
}

async function isFree(port: number | undefined): Promise<boolean> {
  const socket = createSocket('udp4').bind(port, '127.0.0.1')
  const isBound = await once(socket, 'listening').then(
    () => true,
    () => false,
  )
  socket.close()
  return isBound
}

async function privateDht() {
  const testnet = await createTestnet(3)
  onTestFinished(() => testnet.destroy())
  return testnet.bootstrap
}

describe('open', () => {
  test('makes a data directory that only its user can enter', async () => {
    const dataDir = join(await temporaryDirectory(), 'not', 'yet', 'there')
    const { config } = await openEngine({ dataDir })
    for (const path of [dataDir, dirname(dataDir), config.storeDir, config.journalDir]) {
      expect(await modeOf(path)).toBe(0o700)
    }
  })

  test('leaves the mode of a data directory that was there', async () => {
    const dataDir = await temporaryDirectory()
    await chmod(dataDir, 0o750)
    await openEngine({ dataDir })
    expect(await modeOf(dataDir)).toBe(0o750)
  })

  test.each(['', 'store', 'keys', 'journal', 'published'])(
    'refuses a data directory where a group may write to “%s”',
    async (folder) => {
      const dataDir = await temporaryDirectory()
      await (await openEngine({ dataDir })).close()
      await chmod(join(dataDir, folder), 0o770)
      const { message, hint } = await expectCode(openEngine({ dataDir }), 'INVALID_INPUT')
      expect(message).toContain('open to other users')
      expect(hint).toContain(`chmod go-w '${join(dataDir, folder)}'`)
    },
  )

  test('names a clock before 1970, and stores nothing', async () => {
    vi.setSystemTime(-86_400_000)
    onTestFinished(() => void vi.useRealTimers())
    const dataDir = join(await temporaryDirectory(), 'data')
    const { message } = await expectCode(openEngine({ dataDir }), 'INVALID_INPUT')
    expect(message).toContain('1969-12-31T00:00:00.000Z')
    await expect(stat(join(dataDir, 'store'))).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('leaves the console of the process as it is', async () => {
    const { log, error, warn } = console
    await openEngine()
    expect({ ...console }).toMatchObject({ log, error, warn })
  })

  test('starts offline, with an empty library', async () => {
    const engine = await openEngine()
    expect(await engine.networkIfOnline()).toBeUndefined()
    expect(engine.library.list()).toEqual([])
    expect(await engine.networkIfOnline()).toBeUndefined()
  })

  test('ends what it began for a network that nobody wanted', async () => {
    const engine = await openEngine({ online: true })
    const { udpPort } = engine.config
    await vi.waitFor(async () => expect(await isFree(udpPort)).toBe(false))
    await engine.close()
    expect(await isFree(udpPort)).toBe(true)
  })

  test('finds what was there before', async () => {
    const dataDir = await temporaryDirectory()
    const first = await openEngine({ dataDir })
    const { feed, entry } = await beginNewsletter(first)
    await first.author.append(feed, [await issueOf('One')])
    await first.close()

    const second = await openEngine({ dataDir })
    expect(second.library.list()).toEqual([entry])
    const { feed: again } = await second.open(entry)
    expect(again.writable).toBe(true)
    expect((await second.author.append(again, [await issueOf('Two')]))[0]?.number).toBe(2)
  })

  test('keeps apart what belongs to two directories', async () => {
    const [one, other] = [await openEngine(), await openEngine()]
    await one.library.add(SOME_FEED, 'seeder')
    expect(other.library.list()).toEqual([])
  })
})

describe('the lock', () => {
  test('keeps a second engine out, and does the first no harm', async () => {
    const dataDir = await temporaryDirectory()
    const engine = await openEngine({ dataDir })
    await expectCode(openEngine({ dataDir }), 'STORE_BUSY')
    await expectCode(openEngine({ dataDir }), 'STORE_BUSY')
    const { feed } = await beginNewsletter(engine)
    expect((await feed.profile()).title).toBe('Tide Tables')
    await engine.close()
    expect((await openEngine({ dataDir })).library.list()).toHaveLength(1)
  })

  test('is free as soon as another process that had it is killed', async () => {
    const dataDir = await temporaryDirectory()
    const before = await openEngine({ dataDir })
    await before.close()
    const other = await holdLock(before.config.storeDir)
    await expectCode(openEngine({ dataDir }), 'STORE_BUSY')
    other.kill('SIGKILL')
    await once(other, 'exit')
    expect((await openEngine({ dataDir })).library.list()).toEqual([])
  })
})

describe('open that fails', () => {
  test.each([
    ['a file', (dir: string) => join(dir, 'file')],
    ['below a file', (dir: string) => join(dir, 'file', 'below')],
  ])('names a data directory that is %s', async (_, dataDir) => {
    const parent = await temporaryDirectory()
    await writeFile(join(parent, 'file'), 'text')
    const path = dataDir(parent)
    const error = await expectCode(openEngine({ dataDir: path }), 'INVALID_INPUT')
    expect(error.message).toContain(path)
    expect(error.hint).toContain('--data-dir')
  })

  test('half-way leaves nothing locked', async () => {
    const dataDir = await temporaryDirectory()
    await writeFile(join(dataDir, 'journal'), 'in the way')
    await expectCode(openEngine({ dataDir }), 'INVALID_INPUT')
    await rm(join(dataDir, 'journal'))
    expect((await openEngine({ dataDir })).library.list()).toEqual([])
  })

  test('with a library entry that this version does not understand works, and leaves it alone', async () => {
    const dataDir = await temporaryDirectory()
    const engine = await openEngine({ dataDir })
    await engine.library.add(SOME_FEED, 'seeder', { title: 7 } as object)
    await engine.close()
    for (let i = 0; i < 2; i++) {
      const again = await openEngine({ dataDir })
      expect(again.library.list()).toEqual([])
      expect(again.library.unreadable).toBe(1)
      await again.close()
    }
  })

  test('for a store directory that is a file below the data directory names it', async () => {
    const dataDir = await temporaryDirectory()
    await mkdir(dataDir, { recursive: true })
    await writeFile(join(dataDir, 'store'), 'in the way')
    await expectCode(openEngine({ dataDir }), 'INVALID_INPUT')
  })
})

describe('close', () => {
  test('may be called again, and at once', async () => {
    const engine = await openEngine()
    await Promise.all([engine.close(), engine.close()])
    await engine.close()
    await engine[Symbol.asyncDispose]()
    const { dataDir } = engine.config
    expect((await openEngine({ dataDir })).library.list()).toEqual([])
  })

  test('lets an append that has begun end whole', async () => {
    const dataDir = await temporaryDirectory()
    const engine = await openEngine({ dataDir })
    const { feed, entry } = await beginNewsletter(engine)
    const publishing = engine.author.append(feed, [await issueOf('One', 'tide '.repeat(400_000))])
    await new Promise((resolve) => setImmediate(resolve))
    const [result] = await Promise.allSettled([publishing, engine.close()])

    const again = await openEngine({ dataDir })
    const { issues } = await (await again.open(entry)).feed.list()
    expect(issues).toHaveLength(result.status === 'fulfilled' ? 1 : 0)
  })

  test('publishes all or nothing, and says which, whenever it comes', async () => {
    const dataDir = await temporaryDirectory()
    const first = await openEngine({ dataDir })
    const { entry } = await beginNewsletter(first)
    await first.close()
    let expected = 0
    for (let ticks = 0; ticks < 12; ticks++) {
      const engine = await openEngine({ dataDir })
      const publishing = engine.author.append((await engine.open(entry)).feed, [
        await issueOf('One'),
      ])
      for (let i = 0; i < ticks; i++) await new Promise((resolve) => setImmediate(resolve))
      const [result] = await Promise.allSettled([publishing, engine.close()])
      if (result.status === 'fulfilled') expected++
      const again = await openEngine({ dataDir })
      const { issues, invalid } = await (await again.open(entry)).feed.list()
      expect({ issues: issues.length, invalid }).toEqual({ issues: expected, invalid: 0 })
      await again.close()
    }
  })

  test('ends reads that wait for a peer', async () => {
    const author = await openEngine()
    const { feed: written } = await beginNewsletter(author)
    const engine = await openEngine()
    const entry = await engine.library.add(written.feedKey, 'subscriber')
    const { feed } = await engine.open(entry)
    const disconnect = connect(coreOf(written), coreOf(feed))
    while (feed.length === 0) await once(coreOf(feed), 'append')
    disconnect()
    const waiting = expectCode(feed.list({ timeoutMs: 60_000 }), 'ABORTED')
    await engine.close()
    await waiting
  })

  test('leaves nothing that can be used', async () => {
    const engine = await openEngine()
    const { feed, entry } = await beginNewsletter(engine)
    await engine.close()
    await expectCode(engine.author.append(feed, [await issueOf('One')]), 'ABORTED')
    await expectCode(engine.open(entry), 'ABORTED')
    await expectCode(engine.network(), 'ABORTED')
    await expectCode(engine.flush(), 'ABORTED')
    await expectCode(engine.library.add(SOME_FEED, 'seeder'), 'ABORTED')
    await expectCode(feed.list(), 'ABORTED')
  })

  test('runs every step though one fails', async () => {
    const dataDir = await temporaryDirectory()
    const engine = await openEngine({ dataDir })
    vi.spyOn(engine.feeds, 'close').mockRejectedValue(new Error('refused'))
    await engine.close()
    expect((await openEngine({ dataDir })).library.list()).toEqual([])
  })
})

describe('the network', () => {
  test('is one, and begins when it is asked for', async () => {
    const engine = await openEngine({ bootstrap: await privateDht() })
    const { feed } = await beginNewsletter(engine)
    const [network, same] = await Promise.all([engine.network(), engine.network()])
    expect(same).toBe(network)
    expect(await engine.networkIfOnline()).toBeDefined()
    expect(network.status(feed.feedKey)).toMatchObject({ peers: 0 })
  })

  test('begins for the other feeds when one cannot be opened', async () => {
    const engine = await openEngine({ bootstrap: await privateDht() })
    const { feed } = await beginNewsletter(engine)
    await engine.library.add(SOME_FEED, 'seeder')
    const open = engine.feeds.open.bind(engine.feeds)
    vi.spyOn(engine.feeds, 'open').mockImplementation((it, options) =>
      it.feedKey === SOME_FEED ? Promise.reject(new Error('damaged')) : open(it, options),
    )
    const start = vi.spyOn(Network.prototype, 'start')
    await engine.network()
    expect(start.mock.calls).toEqual([[feed]])
  })

  test('ends with the engine, also while it begins', async () => {
    const engine = await openEngine({ bootstrap: await privateDht() })
    const beginning = engine.network()
    await engine.close()
    expect((await beginning).swarm.size).toBe(0)
    await expectCode(engine.network(), 'ABORTED')
  })
})
