import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { gunzipSync } from 'node:zlib'
import Protomux from 'protomux'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { asBundle, VerifiedFiles } from '../../../src/format/log-files/verified-files.ts'
import { webSource } from '../../../src/format/log-files/source.ts'
import { collect } from '../../../src/format/bytes.ts'
import { parseFeedKey } from '../../../src/format/keys/feed-key.ts'
import { hex } from '../../../src/hex.ts'
import { isReplicating } from '../../../src/peers/peer-protocol.ts'
import { OFFER } from '../../../src/peers/web/room-message.ts'
import { openStun } from '../../../src/peers/web/stun.ts'
import {
  applyGateway,
  ask,
  fetchAll,
  openGateway,
  openTab,
  socketTo,
} from '../../helpers/gateways.ts'
import { all } from '../../helpers/operations.ts'
import { openAuthor, openPeer, publish } from '../../helpers/peers.ts'
import { openRoom } from '../../helpers/rooms.ts'
import { connect, coreOf } from '../../helpers/stores.ts'
import { eventually, feedOf, folderWithImage } from '../../helpers/swarm-peers.ts'

/** Whether a tab that knows the keys of all of them gets anything of a newsletter, when it gets all of another one. */
async function reaches(origin: string, feedKey: string, opened: string): Promise<boolean> {
  const tab = await openTab(origin)
  const core = await tab.open(feedKey)
  await fetchAll(await tab.open(opened))
  const has = core.length > 0 || core.peers.length > 0
  tab.connection.destroy()
  return has
}

describe('a gateway', () => {
  it('gives what log files are, byte for byte, and follows what is published', async () => {
    const author = await openAuthor([], { issues: 3, isOnline: false })
    const { feedKey, engine, operations } = author
    const { origin } = await openGateway(engine)
    const base = `${origin}/${feedKey}/`
    const bundle = Buffer.concat(await all(operations.exportBundle({ newsletter: feedKey })))
    const files = await VerifiedFiles.open(webSource(`${base}log/`))
    expect(Buffer.from(await collect(asBundle(files))).equals(bundle)).toBe(true)
    expect(JSON.parse((await ask(`${base}hyperletter.json`)).bytes.toString())).toEqual({
      hyperletter: 1,
      feedKey,
      log: 'log/',
      peers: ['../peer'],
    })

    const head = await ask(`${base}log/head`)
    expect(head).toMatchObject({ status: 200, headers: { 'cache-control': 'no-cache' } })
    const same = await ask(`${base}log/head`, { 'if-none-match': String(head.headers.etag) })
    expect(same.status).toBe(304)

    const pack = await ask(`${base}log/blocks/0-7`)
    expect(pack.headers).toMatchObject({
      'accept-ranges': 'bytes',
      'cache-control': 'public, max-age=31536000, immutable',
      'content-type': 'application/octet-stream',
    })
    for (const [range, from, to] of [
      ['bytes=0-0', 0, 1],
      ['bytes=100-399', 100, 400],
      ['bytes=500-', 500, pack.bytes.byteLength],
      ['bytes=-9', pack.bytes.byteLength - 9, pack.bytes.byteLength],
    ] as const) {
      const part = await ask(`${base}log/blocks/0-7`, { range })
      expect(part.status).toBe(206)
      expect(part.bytes.equals(pack.bytes.subarray(from, to))).toBe(true)
    }
    expect((await ask(`${base}log/blocks/0-7`, { range: 'bytes=99999999-' })).status).toBe(416)

    // The pack that grew has another name; the one of the head before stays for whoever has just read that.
    await publish(operations, '# One more\n\nText.\n', feedKey)
    await eventually(async () => {
      expect((await ask(`${base}log/head`)).headers.etag).not.toBe(head.headers.etag)
    })
    expect((await ask(`${base}log/blocks/0-7`)).bytes.equals(pack.bytes)).toBe(true)
    expect((await ask(`${base}log/blocks/0-9`)).status).toBe(200)
  })

  it('shows pages of its newsletters and the reader, and runs nothing of others', async () => {
    const { feedKey, engine } = await openAuthor([], { issues: 2, isOnline: false })
    const address = 'https://news.example/'
    const { origin } = await openGateway(engine, { gatewayAddress: address })
    const headers = { host: 'news.example' }
    const page = await ask(`${origin}/${feedKey}/issues/2/`, headers)
    expect(page.headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': "frame-ancestors 'none'",
      'x-content-type-options': 'nosniff',
      'access-control-allow-origin': '*',
    })
    expect(page.bytes.toString()).toContain('High water at 2')
    expect(page.bytes.toString()).toContain(`${address}${feedKey}/issues/2/`)
    const { etag = '' } = page.headers
    expect(
      (await ask(`${origin}/${feedKey}/issues/2/`, { ...headers, 'if-none-match': etag })).status,
    ).toBe(304)
    const moved = await ask(`${origin}/${feedKey}`, headers)
    expect(moved).toMatchObject({ status: 308, headers: { location: `/${feedKey}/` } })
    const feed = await ask(`${origin}/${feedKey}/atom.xml`, headers)
    expect(feed.headers['content-type']).toBe('application/atom+xml')
    expect((await ask(`${origin}/`, headers)).bytes.toString()).toContain('Hyperletter reader')
    const plain = await ask(`${origin}/page.js`, headers)
    const zipped = await ask(`${origin}/page.js`, { ...headers, 'accept-encoding': 'gzip, br' })
    expect(zipped.headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'accept-encoding' })
    expect(gunzipSync(zipped.bytes).equals(plain.bytes)).toBe(true)
    const place = JSON.parse(
      (await ask(`${origin}/${feedKey}/hyperletter.json`, headers)).bytes.toString(),
    ) as object
    expect(place).toMatchObject({ peers: ['wss://news.example/peer'] })
    const noKey = `/${'l'.repeat(52)}/log/head`
    for (const path of [
      '/../package.json',
      '/%2e%2e/package.json',
      `/${feedKey}/../x`,
      '/%',
      noKey,
    ]) {
      expect((await ask(origin + path, headers)).status).toBe(404)
    }
    expect((await ask(`${origin}/`, headers, 'POST')).status).toBe(405)
  })

  it('gives a part of a large file without reading what is before it', async () => {
    const { engine, operations, feedKey } = await openAuthor([], { isOnline: false })
    const { folder, bytes } = await folderWithImage('tide.png', 6 * 1024 * 1024)
    await publish(operations, '# Tides\n\n![Tide](tide.png)\n', feedKey, folder)
    const { origin } = await openGateway(engine)
    const path = `${origin}/${feedKey}/issues/1/files/1-tide.png`
    const { log } = await feedOf({ engine, operations }, feedKey)
    const read = vi.spyOn(log, 'read')
    const end = await ask(path, { range: 'bytes=-10' })
    expect(end.status).toBe(206)
    expect(end.bytes.equals(bytes.subarray(-10))).toBe(true)
    const middle = await ask(path, { range: 'bytes=3000000-3099999' })
    expect(middle.bytes.equals(bytes.subarray(3_000_000, 3_100_000))).toBe(true)
    expect(new Set(read.mock.calls.map(([index]) => index)).size).toBeLessThan(10)
  })

  it('keeps nothing open of a start that failed', async () => {
    const { engine } = await openPeer([], { isOnline: false })
    const udp = createSocket('udp4')
    udp.bind(0, '127.0.0.1')
    await once(udp, 'listening')
    const { port } = udp.address()
    const gatewayStun = { host: '127.0.0.1', port }
    await new Promise<void>((resolve) => udp.close(() => resolve()))
    // An address of another machine.
    const { gateway } = await applyGateway(engine, {
      gateway: { host: '192.0.2.1', port: 0 },
      gatewayStun,
    })
    expect(gateway.facts()?.problem).toContain('192.0.2.1')
    const stun = await openStun(gatewayStun)
    await stun.close()
  })

  it('lets nobody reach a private newsletter, or one that was not chosen', async () => {
    const peer = await openAuthor([], { issues: 1, isOnline: false })
    const { engine, operations } = peer
    const secret = await operations.createNewsletter({ title: 'Secret', private: true })
    await publish(operations, '# Hidden\n\nNobody reads this.\n', secret.feedKey)
    // Somebody else's, which this device follows: by nothing but their gateway.
    const other = await openAuthor([], { issues: 2, isOnline: false })
    const theirs = await openGateway(other.engine)
    await all(operations.subscribe({ link: `${theirs.origin}/#${other.feedKey}` }))
    const issue = await operations.readIssue({ newsletter: other.feedKey, number: 2 })
    expect(issue).toMatchObject({ verified: true })
    const status = await operations.status({})
    const followed = status.newsletters.find((it) => it.feedKey === other.feedKey)
    expect(followed?.mirrors).toMatchObject([
      { address: `${theirs.origin}/${other.feedKey}/log/`, state: 'good', length: 5 },
    ])
    const again = await openPeer([], { isOnline: false })
    await all(again.operations.subscribe({ link: `${theirs.origin}/${other.feedKey}/` }))
    expect(await again.operations.listIssues({ newsletter: other.feedKey })).toHaveLength(2)

    const { origin, gateway } = await openGateway(engine)
    const listedAt = (feedKey: string) => ask(`${origin}/${feedKey}/log/head`)
    expect((await listedAt(peer.feedKey)).status).toBe(200)
    for (const feedKey of [secret.feedKey, other.feedKey]) {
      for (const path of [
        '',
        '/',
        '/log/head',
        '/hyperletter.json',
        '/issues/1/',
        '/log/blocks/0-3',
      ]) {
        expect((await ask(`${origin}/${feedKey}${path}`)).status).toBe(404)
      }
    }
    for (const feedKey of [secret.feedKey, other.feedKey]) {
      expect(await reaches(origin, feedKey, peer.feedKey)).toBe(false)
    }
    await eventually(() => expect(gateway.facts()?.tabs).toBe(0))
    const open = await openGateway(engine, { gatewayNewsletters: ['all'] })
    expect(await reaches(open.origin, other.feedKey, peer.feedKey)).toBe(true)
    expect(await reaches(open.origin, secret.feedKey, peer.feedKey)).toBe(false)

    // Named, it is there as ciphertext.
    const named = await openGateway(engine, { gatewayNewsletters: ['own', secret.feedKey] })
    expect((await ask(`${named.origin}/${secret.feedKey}/`)).status).toBe(404)
    const { head } = await VerifiedFiles.open(webSource(`${named.origin}/${secret.feedKey}/log/`))
    expect(head.feedKey).toBe(secret.feedKey)
    const tab = await openTab(named.origin)
    const blocks = await fetchAll(await tab.open(secret.feedKey))
    expect(blocks).toHaveLength(head.length)
    expect(Buffer.concat(blocks).toString('latin1')).not.toContain('Nobody reads this')
  })

  it('gives what it has of a newsletter that is not here as a whole', async () => {
    const author = await openAuthor([], { isOnline: false })
    const { feedKey } = author
    await publish(author.operations, `# Long\n\n${randomBytes(300_000).toString('base64')}\n`)
    await publish(author.operations, '# Short\n\nHigh water at noon.\n')
    const reader = await openPeer([], { isOnline: false })
    const { engine } = reader
    await engine.library.add(parseFeedKey(feedKey), 'subscriber', { title: 'Tide tables' })
    const [theirs, ours] = [await feedOf(author, feedKey), await feedOf(reader, feedKey)]
    const [source, core] = [coreOf(theirs), coreOf(ours)]
    const disconnect = connect(source, core)
    // All but what is between the ends of the long text: then not even its hashes are here.
    const { length } = source
    for (const index of [0, 1, length - 3, length - 2, length - 1]) await core.get(index)
    disconnect()

    const { origin } = await openGateway(engine, { gatewayNewsletters: ['all'] })
    const base = `${origin}/${feedKey}/`
    const head = await ask(`${base}log/head`)
    expect(head).toMatchObject({ status: 503, headers: { 'retry-after': '10' } })
    expect(head.bytes.toString()).toContain(`5 of ${length} blocks are here so far`)
    expect((await ask(`${base}issues/2/`)).bytes.toString()).toContain('High water at noon.')
    expect((await ask(`${base}issues/1/`)).bytes.toString()).toContain('was not on the machine')
    expect((await ask(`${base}atom.xml`)).status).toBe(200)

    // With a few more blocks all hashes are there: what is not carried are holes.
    const again = connect(source, core)
    for (let index = 2; index < length; index += 2) await core.get(index)
    again()
    await eventually(async () => expect((await ask(`${base}log/head`)).status).toBe(200))
    const files = await VerifiedFiles.open(webSource(`${base}log/`))
    expect(files.carries(2)).toBe(true)
    expect(files.carries(3)).toBe(false)
  })

  it('lets a plain Hypercore replicate over a WebSocket, live, and introduces it to nobody', async () => {
    const { feedKey, engine, operations } = await openAuthor([], { issues: 4, isOnline: false })
    const { origin, gateway } = await openGateway(engine)
    const tab = await openTab(origin)
    const core = await tab.open(feedKey)
    expect(await fetchAll(core)).toHaveLength(9)
    await publish(operations, '# Newest\n\nLive.\n', feedKey)
    await eventually(() => expect(core.length).toBe(11))
    const network = await engine.network()
    expect(network.swarm.size).toBe(0)
    expect(gateway.facts()).toMatchObject({ tabs: 1 })
    expect(gateway.facts()?.uploadedBytes).toBeGreaterThan(1_000)
    const { newsletters } = await operations.status({})
    expect(newsletters[0]).toMatchObject({ peers: 1, fullCopies: 0 })
    tab.connection.destroy()
    await eventually(() => expect(gateway.facts()?.tabs).toBe(0))
  })

  it('introduces tabs that read the same newsletter to each other, and tells where they are', async () => {
    const { feedKey, engine } = await openAuthor([], { issues: 1, isOnline: false })
    const { origin } = await openGateway(engine, { gatewayStun: { host: '127.0.0.1', port: 0 } })
    const enter = async () => {
      const { connection, open } = await openTab(origin)
      const mux = Protomux.from(connection)
      const room = openRoom(mux)
      const core = await open(feedKey)
      await eventually(() => expect(isReplicating(mux)).toBe(true))
      await room.opened
      room.send({ kind: 'join', topic: core.discoveryKey ?? Buffer.alloc(32) })
      await eventually(() => expect(room.of('named')).toHaveLength(1))
      return { ...room, id: connection.publicKey }
    }
    const [first, second] = [await enter(), await enter()]
    const [named] = second.of('named')
    expect(named?.ids.map(hex)).toEqual([hex(first.id)])
    const sdp = Buffer.from('v=0')
    second.send({ kind: 'signal', id: first.id, what: OFFER, sdp })
    await eventually(() => expect(first.of('signal')).toHaveLength(1))
    const [signal] = first.of('signal')
    expect(hex(signal?.id ?? sdp)).toBe(hex(second.id))
    expect(hex(signal?.sdp ?? second.id)).toBe(hex(sdp))

    const socket = createSocket('udp4')
    onTestFinished(() => void socket.close())
    const request = Buffer.from('000100002112a442000102030405060708090a0b', 'hex')
    socket.send(request, named?.stunPort ?? 0, '127.0.0.1')
    const [answer] = (await once(socket, 'message')) as [Buffer]
    expect(answer).toHaveLength(32)
  })

  it('is asked by pages of other sites under its own address alone', async () => {
    const { feedKey, engine } = await openAuthor([], { issues: 1, isOnline: false })
    const { origin } = await openGateway(engine, { gatewayAddress: 'https://news.example/' })
    const opened = async (headers: Record<string, string>) => {
      const socket = socketTo(origin, { headers })
      const [response] = (await Promise.race([
        once(socket, 'open').then(() => [{ statusCode: 101 }]),
        once(socket, 'unexpected-response').then(([, it]) => [it as { statusCode: number }]),
      ])) as [{ statusCode: number }]
      socket.terminate()
      return response.statusCode
    }
    const foreign = { origin: 'https://elsewhere.example' }
    expect(await opened({ host: 'news.example', ...foreign })).toBe(101)
    expect(await opened({ host: 'news.example', origin: 'null' })).toBe(101)
    expect(await opened({})).toBe(101)
    expect(await opened(foreign)).toBe(403)
    expect(await opened({ host: 'elsewhere.example', ...foreign })).toBe(421)
    const path = `${origin}/${feedKey}/hyperletter.json`
    expect((await ask(path, { host: 'elsewhere.example' })).status).toBe(421)
    expect((await ask(path, foreign)).headers).toMatchObject({
      'cross-origin-resource-policy': 'same-origin',
    })
    expect((await ask(path, foreign)).headers['access-control-allow-origin']).toBeUndefined()
  })
})
