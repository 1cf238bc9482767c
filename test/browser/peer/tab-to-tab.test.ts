import { execFile } from 'node:child_process'
import { networkInterfaces } from 'node:os'
import type { Duplex } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import SecretStream from '@hyperswarm/secret-stream'
import c from 'compact-encoding'
import crypto from 'hypercore-crypto'
import Protomux from 'protomux'
import type { BrowserContext, Page } from 'playwright-core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { RelaySocket } from '../../../src/browser/peer/tab-link.ts'
import { keyBytes } from '../../../src/format/keys/feed-key.ts'
import type { Log } from '../../../src/format/log.ts'
import { hypercoreOf } from '../../../src/log/hypercore-log.ts'
import { isReplicating } from '../../../src/peers/peer-protocol.ts'
import { ANSWER } from '../../../src/peers/web/room-message.ts'
import { SocketStream } from '../../../src/peers/web/socket-stream.ts'
import { openStun } from '../../../src/peers/web/stun.ts'
import { socketTo } from '../../helpers/gateways.ts'
import { NO_ROOMS, openRoom as openNetwork } from '../../helpers/namespaces.ts'
import { openRoom } from '../../helpers/rooms.ts'
import { useBrowser } from '../../helpers/shared-browser.ts'
import { logOf, openStore } from '../../helpers/stores.ts'
import { serveTabs } from '../../helpers/tab-gateway.ts'
import type { TabGatewayOptions } from '../../helpers/tab-server.ts'
import {
  data,
  keepsAll,
  newsletter,
  open,
  PATIENT,
  textOf,
  verdict,
} from '../../helpers/tab-pages.ts'

const browser = useBrowser()

/** Browsers look for no way to each other where there is nothing but the machine itself. */
const HAS_NETWORK = Object.values(networkInterfaces()).some((it) =>
  it?.some(({ internal }) => !internal),
)

/** Runs the test of what tabs do directly in a network of its own, which has an interface more. */
async function runElsewhere(): Promise<void> {
  const [machine] = await openNetwork(1)
  const vitest = fileURLToPath(new URL('../../../node_modules/vitest/vitest.mjs', import.meta.url))
  const test = [vitest, 'run', fileURLToPath(import.meta.url), '-t', 'directly']
  const env = Object.entries(process.env).filter(([name]) => !/^(?:VITEST|TEST)/.test(name))
  const args = ['netns', 'exec', machine?.name ?? '', process.execPath, ...test]
  const { stdout } = await promisify(execFile)('ip', args, { env: Object.fromEntries(env) })
  expect(stdout).toContain('1 passed, 0 failed')
}

/** As behind a router that lets nothing through. */
const NO_WAY = `globalThis.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(given) { super({ ...given, iceTransportPolicy: 'relay' }) }
}`

async function profile(script = ''): Promise<BrowserContext> {
  const context = await browser().newContext()
  onTestFinished(() => context.close())
  await context.addInitScript(script)
  return context
}

/** A gateway that introduces tabs, and has nothing of the newsletter but its key. */
async function openMeeting(feedKey: string, options: TabGatewayOptions = {}) {
  const core = (await openStore()).get({ key: feedKey })
  await core.ready()
  return { ...(await serveTabs({ log: await logOf(core), ...options })), core }
}

/** A tab that keeps all of a newsletter, whose publisher is gone. */
async function openCarrier(
  context: BrowserContext,
  { log, link }: { readonly log: Log; readonly link: string },
  meeting: { readonly origin: string },
): Promise<Page> {
  const publisher = await serveTabs({ log })
  const page = await open(context, `${publisher.origin}/#${link}?via=${meeting.origin}/`)
  await keepsAll(page, log.length)
  await publisher.close()
  return page
}

const keptBlocks = async (page: Page) => parseInt((await data(page, 'kept')) || '0', 10)

describe('tabs, with the publisher gone', { timeout: 240_000 }, () => {
  it('get issues from each other directly, with the gateway gone that introduced them', async ({
    skip,
  }) => {
    if (!HAS_NETWORK) {
      skip(NO_ROOMS !== undefined, `There is loopback alone, so tabs only relay. ${NO_ROOMS}`)
      return runElsewhere()
    }
    // At 256 KB/s, some seconds.
    const { log, feedKey } = await newsletter({ issues: 1, long: 14 })
    const stun = await openStun({ host: '0.0.0.0', port: 0 })
    onTestFinished(() => stun.close())
    const meeting = await openMeeting(feedKey, { stunPort: stun.port })
    await openCarrier(await profile(), { log, link: feedKey }, meeting)
    const page = await open(await profile(), `${meeting.origin}/#${feedKey}`)
    await expect.poll(() => data(page, 'tabs'), PATIENT).toBe('1')
    await meeting.close()
    expect(await keptBlocks(page)).toBeLessThan(log.length)
    await keepsAll(page, log.length)
    expect(await verdict(page)).toBe('yes')
    expect(await textOf(page)).toContain('This is text 14.')
    expect(await data(page, 'gateways')).toBe('0')
    expect(await data(page, 'tabs')).toBe('1')
    expect(meeting.rooms.relayedBytes).toBe(0)
    expect(meeting.core.contiguousLength).toBe(0)

    // Chromium takes what the gateway answers for its outside address.
    const found = await page.evaluate<string>(`new Promise((resolve) => {
        const it = new RTCPeerConnection({ iceServers: [{ urls: 'stun:127.0.0.1:${stun.port}' }] })
        it.addEventListener('icecandidate', ({ candidate }) => {
          if (candidate === null) resolve('none')
          else if (candidate.type === 'srflx') resolve('seen')
        })
        it.createDataChannel('')
        it.setLocalDescription()
      })`)
    expect(found).toBe('seen')
  })

  it('get a private newsletter by way of a gateway where nothing else leads to each other', async () => {
    const secret = await newsletter({ isPrivate: true })
    const { log, feedKey, encryptionKey = '' } = secret
    const sent: Uint8Array[] = []
    const meeting = await openMeeting(feedKey, { onBytes: (it) => sent.push(Buffer.from(it)) })
    const link = `${feedKey}/${encryptionKey}`
    const first = await openCarrier(await profile(NO_WAY), { log, link }, meeting)
    const page = await open(await profile(), `${meeting.origin}/#${link}`)
    await keepsAll(page, log.length)
    expect(await textOf(page)).toContain("High water at 3 o'clock.")
    await expect.poll(() => first.innerText('.carrying'), PATIENT).toMatch(/for 1 peer, .* sent/)
    expect(meeting.rooms.relayedBytes).toBeGreaterThan(log.byteLength)
    expect(meeting.core.contiguousLength).toBe(0)
    const all = Buffer.concat(sent)
    const secrets = [keyBytes(secret.feedKey), encryptionKey, 'High water', 'Issue']
    const found = secrets.map((it) => all.indexOf(typeof it === 'string' ? it : Buffer.from(it)))
    expect(found).toEqual([-1, -1, -1, -1])
  })

  it('take nothing that was altered, and do not meet the tab again that sent it', async () => {
    const { log, feedKey } = await newsletter({ issues: 0, long: 2 })
    const meeting = await openMeeting(feedKey)
    const hostile = await enterByHand(meeting.origin, log)
    const page = await open(await profile(), `${meeting.origin}/#${feedKey}`)
    await expect.poll(() => hostile.streams.length, PATIENT).toBe(1)
    await expect.poll(() => hostile.streams[0]?.destroyed, PATIENT).toBe(true)
    expect(await data(page, 'tabs')).toBe('0')
    expect(await keptBlocks(page)).toBeLessThan(log.length)
    // It calls by itself, and is not answered.
    hostile.call()
    await expect.poll(() => hostile.lefts(), PATIENT).toBeGreaterThan(1)
    // An honest one is.
    const [near, far] = [meeting.core.replicate(true), hypercoreOf(log).replicate(false)]
    onTestFinished(() => void near.destroy())
    near.pipe(far).pipe(near)
    await meeting.core.download({ start: 0, end: log.length }).done()
    await keepsAll(page, log.length)
  })
})

/** A tab without a browser that alters blocks; it can be reached by way of the gateway alone. */
async function enterByHand(origin: string, log: Log) {
  const keyPair = crypto.keyPair()
  const raw = new SocketStream(socketTo(origin)) as unknown as Duplex
  const connection = new SecretStream(true, raw, { keyPair, keepAlive: 5_000 })
  connection.on('error', () => undefined)
  hypercoreOf(log).replicate(connection)
  const mux = Protomux.from(connection)
  const streams: InstanceType<typeof SecretStream>[] = []
  let relay: RelaySocket | undefined
  let caller: Uint8Array = Buffer.alloc(32)
  const { opened, of, send } = openRoom(mux, (message) => {
    if (message.kind === 'leave') relay?.left()
    if (message.kind === 'signal') {
      caller = message.id
      send({ kind: 'signal', id: message.id, what: ANSWER, sdp: Buffer.from('v=0') })
    }
    if (message.kind !== 'relay') return
    relay ??= answer(message.id)
    caller = message.id
    relay.receive(message.taken, message.bytes)
  })
  const answer = (id: Uint8Array) => {
    const socket = new RelaySocket({
      send: (taken, bytes) => send({ kind: 'relay', id, taken, bytes }),
      leave: () => send({ kind: 'leave', id }),
    })
    const stream = new SecretStream(false, new SocketStream(socket), { keyPair })
    stream.on('error', () => undefined)
    const write = stream.write.bind(stream) as (bytes: Uint8Array) => boolean
    const alter = (bytes: Uint8Array) =>
      write(bytes.byteLength < 4_000 ? bytes : bytes.map((it, i) => (i === 2_000 ? it ^ 1 : it)))
    Object.assign(stream, { write: alter })
    hypercoreOf(log).replicate(stream)
    streams.push(stream)
    return socket
  }
  await opened
  await expect.poll(() => isReplicating(mux)).toBe(true)
  send({ kind: 'join', topic: log.discoveryKey })
  return {
    streams,
    lefts: () => of('leave').length,
    call: () => send({ kind: 'relay', id: caller, taken: 0, bytes: c.encode(c.string, 'hello') }),
  }
}
