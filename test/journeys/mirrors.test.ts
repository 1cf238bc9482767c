import { cp, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Output } from '../../src/api/contract/contract.ts'
import { bindOperations } from '../../src/api/operations.ts'
import type { Address } from '../../src/config/config.ts'
import { composeNewsletter } from '../../src/format/history/entry.ts'
import { parseFeedKey } from '../../src/format/keys/feed-key.ts'
import type { MirrorTimes } from '../../src/engine/mirrors/need.ts'
import { openEngine } from '../helpers/engines.ts'
import { beginNewsletter, issueOf } from '../helpers/newsletters.ts'
import { all, expectFailure, only, single } from '../helpers/operations.ts'
import { openAuthor, publish, type Peer } from '../helpers/peers.ts'
import { connect, coreOf, openStore } from '../helpers/stores.ts'
import { eventually } from '../helpers/swarm-peers.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { privateNetwork } from '../helpers/testnet.ts'
import { WebHost, type WebHostOptions } from '../helpers/web-host.ts'

/** As the product has them, in another unit. */
const FAST: MirrorTimes = {
  lookEvery: 20,
  patience: 300,
  urgent: 100,
  alone: 400,
  newsEvery: 500,
  newsLaterEvery: 1_000,
  afterFailure: 200,
  afterWrong: 60_000,
}

async function openReader(
  bootstrap: readonly Address[] = [],
  mirrorTimes: Partial<MirrorTimes> = FAST,
): Promise<Peer> {
  const engine = await openEngine({ bootstrap, mirrorTimes })
  return { engine, operations: bindOperations(engine, 'engine') }
}

async function exported({ operations }: Peer, newsletter: string, folder?: string) {
  const to = folder ?? join(await temporaryDirectory(), 'site')
  await all(operations.exportSite({ newsletter, folder: to }))
  return to
}

/** A newsletter on a web host, whose author is not on the network. */
async function published(issues: number, options: WebHostOptions = {}) {
  const author = await openAuthor([], { issues, isOnline: false })
  const folder = await exported(author, author.feedKey)
  return { author, feedKey: author.feedKey, folder, host: await WebHost.serve(folder, options) }
}

async function expectSoon(condition: () => boolean | Promise<boolean>): Promise<void> {
  await eventually(async () => {
    if (!(await condition())) throw new Error('It has not happened.')
  })
}

async function lengthsOf({ engine }: Peer, feedKey: string) {
  const { newsletters } = await bindOperations(engine, 'engine').status({})
  const it = newsletters.find((entry) => entry.feedKey === feedKey)
  return { held: it?.heldBlocks, length: it?.length, mirrors: it?.mirrors ?? [] }
}

const isWhole = (peer: Peer, feedKey: string, length: number) => async () => {
  const now = await lengthsOf(peer, feedKey)
  return now.held === length && now.length === length
}

/** Signs addresses, as `setMirrors` does once it has found the log there. */
async function nameMirrors({ engine }: Peer, feedKey: string, mirrors: string[]): Promise<void> {
  await using session = await engine.open(engine.library.resolve(feedKey))
  const { recoveryKey, title, createdAt } = await session.feed.profile()
  const profile = { recoveryKey, title, createdAt, mirrors }
  await engine.author.append(session.feed, [(at) => composeNewsletter(at, profile)])
}

/** A newsletter on a web host, with the same key each time. */
async function forked(title: string): Promise<WebHost> {
  const peer = await openReader()
  const { feed } = await beginNewsletter(peer.engine, { seed: 5 })
  await peer.engine.author.append(feed, [await issueOf(title)])
  return WebHost.serve(await exported(peer, feed.feedKey))
}

async function nameMirrorHere({ engine }: Peer, feedKey: string, mirror: string): Promise<void> {
  await engine.library.add(parseFeedKey(feedKey), 'seeder', { mirrors: [mirror] })
}

type Subscribed = Extract<Output<'subscribe'>, { event: 'subscribed' }>

const subscribedIn = (events: readonly Output<'subscribe'>[]): Subscribed =>
  single(only(events, 'subscribed'))

describe('a newsletter on a web host, with no peer and no DHT', () => {
  it.each([true, false])('is followed by its address, with ranges: %s', async (hasRanges) => {
    const { feedKey, host } = await published(3, { hasRanges })
    const reader = await openReader()
    const events = await all(reader.operations.subscribe({ link: host.address }))
    expect(subscribedIn(events)).toMatchObject({ feedKey, title: 'Tide tables' })
    const issue = await reader.operations.readIssue({ newsletter: feedKey, number: 3 })
    expect(issue.markdown).toContain('High water at 3')
    expect(issue.verified).toBe(true)
    const { held, length, mirrors } = await lengthsOf(reader, feedKey)
    expect({ held, length }).toEqual({ held: 7, length: 7 })
    expect(mirrors).toMatchObject([{ address: host.log, from: 'you', state: 'good', length: 7 }])
    const { newsletters } = await reader.operations.status({})
    expect(newsletters[0]?.totals?.downloadedBytes).toBe(mirrors[0]?.downloadedBytes)
    // A server learns nothing but what is asked for.
    for (const headers of host.headers) {
      expect(headers).toMatchObject({ 'accept-encoding': 'identity' })
      expect(Object.keys(headers)).not.toEqual(expect.arrayContaining(['cookie']))
      expect(headers.referer).toBeUndefined()
    }
  })

  it('is passed on to a peer that knows nothing but Hypercore', async () => {
    const { feedKey, host } = await published(130)
    const reader = await openReader()
    await all(reader.operations.subscribe({ link: host.address }))
    await using session = await reader.engine.open(reader.engine.library.resolve(feedKey))
    const core = coreOf(session.feed)
    const plain = (await openStore()).get({ key: feedKey })
    await plain.ready()
    connect(core, plain)
    await expectSoon(() => plain.length === 261)
    await plain.download({ start: 0, end: 261 }).done()
    expect(plain.contiguousLength).toBe(261)
  })

  it('brings news by itself, as long as nobody else does', async () => {
    const { author, feedKey, folder, host } = await published(1)
    const reader = await openReader()
    await all(reader.operations.subscribe({ link: host.address }))
    await publish(author.operations, '# Issue 2\n\nHigh water.\n')
    await exported(author, feedKey, folder)
    await expectSoon(isWhole(reader, feedKey, 5))
  })

  it('is fetched from when somebody asks for news, and no peer answers', async () => {
    const { author, feedKey, folder, host } = await published(1)
    const reader = await openReader([], { ...FAST, lookEvery: 60_000, afterFailure: 60_000 })
    await all(reader.operations.subscribe({ link: host.address }))
    await publish(author.operations, '# Issue 2\n\nHigh water.\n')
    await exported(author, feedKey, folder)
    const input = { newsletter: feedKey, refresh: true, timeoutSeconds: 0.2 }
    const progress = await all(reader.operations.followSync(input))
    expect(progress.at(-1)).toMatchObject({ heldBlocks: 5, length: 5, peers: 0 })
    host.options = {
      answers: (_, response) => {
        response.destroy()
        return false
      },
    }
    await expectFailure('NOT_AVAILABLE', reader.operations.followSync(input))
  })

  it('goes on where it stopped, when the server comes back', { timeout: 60_000 }, async () => {
    const { feedKey, host } = await published(300)
    const packs = new Set<string>()
    host.options = {
      answers: ({ url = '' }, response) => {
        if (url.includes('/blocks/')) packs.add(url)
        if (packs.size < 2) return true
        response.destroy()
        return false
      },
    }
    const reader = await openReader()
    await all(reader.operations.subscribe({ link: host.address, wait: false }))
    await expectSoon(async () => {
      const { mirrors, held = 0 } = await lengthsOf(reader, feedKey)
      return mirrors[0]?.state === 'unreachable' && held > 0
    })
    expect((await lengthsOf(reader, feedKey)).held).toBe(256)
    host.requests.length = 0
    host.options = {}
    await reader.engine.network()
    await expectSoon(isWhole(reader, feedKey, 601))
    expect(host.requests.filter((it) => it.includes('/blocks/0-'))).toEqual([])
  })
})

describe('a web host that is not what it says', () => {
  /** Follows by the link, then adds the mirror. Gives what became of it. */
  async function added(feedKey: string, address: string) {
    const reader = await openReader([], { ...FAST, lookEvery: 60_000 })
    await all(reader.operations.subscribe({ link: feedKey, wait: false }))
    const adding = reader.operations.setMirrors({ newsletter: feedKey, add: address })
    return { reader, adding }
  }

  it.each(['log/head', 'log/tree/0', 'log/blocks/0-256', 'log/blocks/256-5'])(
    'is not used, and left alone, when one bit of %s is changed',
    async (altered) => {
      const { feedKey, folder } = await published(130)
      const { byteLength } = await readFile(join(folder, altered))
      for (const at of [0, Math.floor(byteLength / 2), byteLength - 1]) {
        const host = await WebHost.serve(folder, {
          alter: (path, bytes) =>
            path === `/${altered}`
              ? Buffer.from(bytes.map((it, i) => (i === at ? it ^ 4 : it)))
              : bytes,
        })
        const { reader, adding } = await added(feedKey, host.address)
        await expectFailure('INVALID_LOG', adding)
        const { held, mirrors } = await lengthsOf(reader, feedKey)
        // What was verified before that is as good as from anybody.
        expect({ held, mirrors }).toEqual({
          held: altered === 'log/blocks/256-5' ? 256 : 0,
          mirrors: [],
        })
      }
    },
  )

  it('is refused by name for an old head, another newsletter and another history', async () => {
    const { author, feedKey, folder, host } = await published(2)
    const old = join(await temporaryDirectory(), 'old')
    await cp(folder, old, { recursive: true })
    await publish(author.operations, '# Issue 3\n\nHigh water.\n')
    await exported(author, feedKey, folder)
    const reader = await openReader([], { ...FAST, lookEvery: 60_000 })
    await all(reader.operations.subscribe({ link: host.address }))

    const behind = await WebHost.serve(old)
    const add = (address: string) =>
      reader.operations.setMirrors({ newsletter: feedKey, add: address })
    expect((await add(behind.address)).mirrors[1]).toMatchObject({ state: 'behind' })
    const other = await published(1)
    await expectFailure('INVALID_LOG', add(other.host.address))
    expect((await lengthsOf(reader, feedKey)).held).toBe(7)
    expect((await lengthsOf(reader, feedKey)).mirrors).toMatchObject([
      { state: 'good' },
      { address: behind.log, state: 'behind', length: 5 },
    ])

    const [here, there] = await Promise.all([forked('Issue 1'), forked('Another issue 1')])
    const second = await openReader([], { ...FAST, lookEvery: 60_000 })
    await all(second.operations.subscribe({ link: here.address }))
    await expectFailure(
      'FEED_CONFLICT',
      second.operations.setMirrors({ newsletter: 'Tide', add: there.address }),
    )
    const [newsletter] = (await second.operations.status({})).newsletters
    expect(newsletter).toMatchObject({ heldBlocks: 3, problem: { code: 'FEED_CONFLICT' } })
  })
})

describe('addresses that an author names', () => {
  it('are never asked where they lead into a private network', async () => {
    const { author, feedKey, folder, host } = await published(1)
    const { port } = new URL(host.address)
    const addresses = [
      '127.0.0.1',
      'localhost',
      '[::1]',
      '0x7f000001',
      '[::ffff:7f00:1]',
      '10.0.0.1',
      '192.168.0.1',
      '169.254.1.1',
      '[fc00::1]',
    ]
    const named = addresses.slice(0, 8).map((it) => `https://${it}:${port}/log/`)
    await nameMirrors(author, feedKey, named)
    await exported(author, feedKey, folder)
    const reader = await openReader()
    await all(reader.operations.subscribe({ link: host.address }))
    await reader.operations.setMirrors({ newsletter: feedKey, remove: host.address })
    const asked = host.requests.length
    await reader.engine.network()
    await expectSoon(async () => {
      const { mirrors } = await lengthsOf(reader, feedKey)
      return mirrors.length === 8 && mirrors.every(({ state }) => state === 'refused')
    })
    expect(host.requests).toHaveLength(asked)
    expect(new Set((await lengthsOf(reader, feedKey)).mirrors.map((it) => it.from))).toEqual(
      new Set(['author']),
    )
  })
})

describe('a mirror beside a peer', () => {
  it('is asked for nothing that a peer delivers, and for the rest when it is the last resort', async () => {
    const bootstrap = await privateNetwork()
    const author = await openAuthor(bootstrap, { issues: 100 })
    const { feedKey } = author
    const folder = await exported(author, feedKey)
    const host = await WebHost.serve(folder)
    const reader = await openReader(bootstrap)
    await nameMirrorHere(reader, feedKey, host.log)
    await all(reader.operations.subscribe({ link: feedKey }))
    expect(await isWhole(reader, feedKey, 201)()).toBe(true)
    expect(host.requests).toEqual([])

    // A peer that has the newest half only.
    await reader.engine.close()
    await using session = await author.engine.open(author.engine.library.resolve(feedKey))
    await session.feed.log.drop({ start: 1, end: 100 })
    const other = await openReader(bootstrap)
    await nameMirrorHere(other, feedKey, host.log)
    await all(other.operations.subscribe({ link: feedKey, wait: false }))
    await other.engine.network()
    await expectSoon(isWhole(other, feedKey, 201))
    const { mirrors } = await lengthsOf(other, feedKey)
    const { newsletters } = await other.operations.status({})
    const fromPeers = newsletters[0]?.downloadedBytes ?? 0
    const blocks = await session.feed.log.rangeBytes({ start: 0, end: 201 })
    const fromMirror = mirrors[0]?.downloadedBytes ?? 0
    const parts = host.requests.filter((it) => it.includes('/blocks/'))
    expect(parts).toHaveLength(1)
    expect(parts[0]).toMatch(/^\/log\/blocks\/0-201 \d+-\d+$/)
    expect(fromMirror).toBeGreaterThan(0)
    expect(fromPeers).toBeLessThan(blocks ?? 0)
  })
})
