import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, onTestFinished, test } from 'vitest'
import { loadConfig } from '../../src/config/config.ts'
import { connect } from '../../src/connect.ts'
import { keyBytes, parseFeedKey } from '../../src/format/keys/feed-key.ts'
import { daemonOn, nodeOn, runOn, startOn } from '../helpers/bin.ts'
import { jsonOf } from '../helpers/cli.ts'
import { NO_ROOMS, openRoom, type Host } from '../helpers/namespaces.ts'
import { eventually } from '../helpers/swarm-peers.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

/** Each starts a dozen processes, some of which leave a network that is not there. */
const LONG_MS = 180_000

/** Prints all multicast DNS that it hears, in hex, a packet a line. */
const EAVESDROPPER = `
  const socket = require('node:dgram').createSocket({ type: 'udp4', reuseAddr: true })
  socket.on('message', (packet) => console.log(packet.toString('hex')))
  socket.bind(5353, () => {
    socket.addMembership('224.0.0.251', process.argv[1])
    console.log('listens')
  })`

/** Sends what nobody should: noise, cut packets, announcements of everything. */
const VANDAL = `
  const { randomBytes } = require('node:crypto')
  const packet = require('dns-packet')
  const socket = require('node:dgram').createSocket({ type: 'udp4', reuseAddr: true })
  const service = '_hyperletter._udp.local'
  const announcement = () => packet.encode({ type: 'response', answers: [
    { name: service, type: 'PTR', data: 'x.' + service },
    { name: 'x.' + service, type: 'SRV', data: { port: 1 + Math.floor(Math.random() * 60000), target: 'x.local' } },
    { name: 'x.' + service, type: 'TXT', data: [Buffer.from('v=1'),
      Buffer.concat([Buffer.from('s='), randomBytes(16)]), Buffer.concat([Buffer.from('t='), randomBytes(240)])] },
  ] })
  socket.bind(0, process.argv[1], () => {
    let sent = 0
    setInterval(() => {
      const whole = announcement()
      for (const it of [randomBytes(400), whole, whole.subarray(0, whole.length / 2)])
        socket.send(it, 5353, '224.0.0.251')
      if (++sent === 5) console.log('sends')
    }, 5)
  })`

/** Machines that have not even a way out that leads nowhere. */
async function roomOf(size: number): Promise<Host[]> {
  const hosts = await openRoom(size)
  const cut = promisify(execFile)
  for (const { name } of hosts) await cut('ip', ['-n', name, 'route', 'del', 'default'])
  return hosts
}

interface Published {
  readonly feedKey: string
  readonly link: string
  readonly dataDir: string
}

/** A newsletter with one issue, made on a host without any network being asked. */
async function published(host: Host): Promise<Published> {
  const dataDir = await temporaryDirectory()
  const draft = join(dataDir, '..', `${host.name}.md`)
  await writeFile(draft, '# High water\n\nAt nine.\n')
  const made = await runOn(host, dataDir, ['create', 'Tides', '--no-confirm'])
  await runOn(host, dataDir, ['publish', draft])
  return { ...(made as { feedKey: string; link: string }), dataDir }
}

async function subscribed(host: Host, link: string, env: NodeJS.ProcessEnv = {}): Promise<string> {
  const dataDir = await temporaryDirectory()
  await runOn(host, dataDir, ['subscribe', link], env)
  return dataDir
}

describe('in one room without internet', { timeout: LONG_MS }, () => {
  test('two machines find each other without any set-up, nobody else learns who they are, and one who says no is neither found nor heard', async ({
    skip,
  }) => {
    skip(NO_ROOMS !== undefined, NO_ROOMS)
    const [author, reader, silent, fourth] = (await roomOf(4)) as [Host, Host, Host, Host]
    const ear = nodeOn(fourth, ['--eval', EAVESDROPPER, fourth.address])
    await ear.line(/^listens/)
    const [{ feedKey, link, dataDir }, quiet] = await Promise.all([
      published(author),
      published(silent),
    ])
    await Promise.all([
      daemonOn(author, dataDir),
      daemonOn(silent, quiet.dataDir, { HYPERLETTER_LOCAL_DISCOVERY: 'off' }),
    ])
    const search = startOn(reader, await temporaryDirectory(), [
      'subscribe',
      quiet.link,
      '--timeout',
      '3',
    ])

    const readerDir = await subscribed(reader, link)

    expect(await runOn(reader, readerDir, ['read', feedKey, '1'])).toMatchObject({
      title: 'High water',
      verified: true,
    })
    expect(await search.ended()).toBe(3)
    expect(jsonOf(search.stderr().trim().split('\n').at(-1) ?? '')).toMatchObject({
      error: { code: 'NOT_AVAILABLE' },
    })
    const doctor = startOn(author, dataDir, ['doctor'])
    // No DHT answers: that much it finds.
    expect(await doctor.ended()).toBe(1)
    const { publicKey } = jsonOf(doctor.stdout()) as { publicKey: string }
    const heard = ear.stdout()
    expect(heard).toContain(Buffer.from('_hyperletter').toString('hex'))
    expect(heard).not.toContain(Buffer.from(keyBytes(parseFeedKey(feedKey))).toString('hex'))
    expect(heard).not.toContain(publicKey)
    // The readers ask; one author says nothing to them.
    expect(heard).toContain(hexOf(reader.address))
    expect(heard).not.toContain(hexOf(silent.address))
  })

  test('a reader who comes first gets what a later publisher has, and later issues as they come', async ({
    skip,
  }) => {
    skip(NO_ROOMS !== undefined, NO_ROOMS)
    const [author, reader] = (await roomOf(2)) as [Host, Host]
    const { link, feedKey, dataDir } = await published(author)
    const readerDir = await temporaryDirectory()
    await runOn(reader, readerDir, ['subscribe', link, '--no-wait'])
    const watch = startOn(reader, readerDir, ['watch'])
    const waiting = await daemonOn(author, dataDir)
    const publishToOne = async (name: string, text: string) => {
      const draft = join(dataDir, `${name}.md`)
      await writeFile(draft, text)
      await runOn(author, dataDir, ['publish', draft, '--wait-copies', '1', '--to', feedKey])
    }
    // What was there when they met is no arrival.
    await publishToOne('second', '# Slack water\n\nAt noon.\n')

    await publishToOne('third', '# Low water\n\nAt three.\n')

    expect(await watch.line(/Low water/)).toContain(feedKey)
    waiting.process.kill()
  })

  test('an issue travels over TCP, of a private newsletter none to who is not allowed, and one whose plug is pulled is noticed within 25 s, and met again', async ({
    skip,
  }) => {
    skip(NO_ROOMS !== undefined, NO_ROOMS)
    const [author, reader] = (await roomOf(2)) as [Host, Host]
    const { link, feedKey, dataDir } = await published(author)
    const secret = (await runOn(
      author,
      dataDir,
      'create Secret --no-confirm --private'.split(' '),
    )) as { link: string }
    await daemonOn(author, dataDir, { HYPERLETTER_ALLOW_PEERS: '00'.repeat(32) })
    const readerDir = await temporaryDirectory()
    await daemonOn(reader, readerDir)

    await runOn(reader, readerDir, ['subscribe', link])

    const { operations, close } = await connect(await loadConfig({ dataDir: readerDir }, {}))
    onTestFinished(close)
    const becomes = (status: object, timeoutMs: number) =>
      eventually(async () => expect(await operations.status({})).toMatchObject(status), timeoutMs)
    expect(await operations.status({})).toMatchObject({
      peers: 1,
      localPeers: 1,
      newsletters: [{ feedKey, issues: 1 }],
    })
    expect(await runOn(author, dataDir, ['status'])).toMatchObject({ peers: 1, localPeers: 1 })
    const search = startOn(reader, readerDir, ['subscribe', secret.link, '--timeout', '3'])
    expect(await search.ended()).toBe(3)

    await author.unplug()
    await becomes({ peers: 0, localPeers: 0 }, 25_000)
    await author.plug()
    // Each of them says every minute or so that it is there.
    await becomes({ peers: 1 }, 90_000)
  })

  test('where no TCP gets through, an issue travels over UDP', async ({ skip }) => {
    skip(NO_ROOMS !== undefined, NO_ROOMS)
    const [author, reader] = (await roomOf(2)) as [Host, Host]
    const cut = promisify(execFile)
    for (const { name } of [author, reader]) {
      await cut('ip', ['-n', name, 'rule', 'add', 'ipproto', 'tcp', 'prohibit'])
    }
    const { link, feedKey, dataDir } = await published(author)
    await daemonOn(author, dataDir)
    const readerDir = await temporaryDirectory()
    await daemonOn(reader, readerDir)

    await runOn(reader, readerDir, ['subscribe', link])

    expect(await runOn(reader, readerDir, ['status'])).toMatchObject({
      peers: 1,
      localPeers: 0,
      newsletters: [{ feedKey, issues: 1 }],
    })
  })

  test('noise and false announcements do not keep two from finding each other', async ({
    skip,
  }) => {
    skip(NO_ROOMS !== undefined, NO_ROOMS)
    const [author, reader, third] = (await roomOf(3)) as [Host, Host, Host]
    const vandal = nodeOn(third, ['--eval', VANDAL, third.address])
    await vandal.line(/^sends/)
    const { link, dataDir } = await published(author)
    const daemon = await daemonOn(author, dataDir)

    await subscribed(reader, link)

    expect(daemon.process.exitCode).toBeNull()
    expect(daemon.stderr().split('\n').length).toBeLessThan(20)
  })
})

describe('in one room with a DHT', { timeout: LONG_MS }, () => {
  test('a DHT that goes away does not part two who share the room', async ({ skip }) => {
    skip(NO_ROOMS !== undefined, NO_ROOMS)
    const [author, reader, server] = (await roomOf(3)) as [Host, Host, Host]
    const dht = startOn(server, await temporaryDirectory(), ['dht', '--host', server.address])
    const { port } = JSON.parse(await dht.line(/"port"/)) as { port: number }
    const env = { HYPERLETTER_BOOTSTRAP: `${server.address}:${port}` }
    const { feedKey, link, dataDir } = await published(author)
    await daemonOn(author, dataDir, env)
    // Found by the DHT alone.
    await subscribed(reader, link, { ...env, HYPERLETTER_LOCAL_DISCOVERY: 'off' })

    await server.unplug()

    const dir = await subscribed(reader, link, env)
    expect(await runOn(reader, dir, ['list'])).toMatchObject([{ feedKey, issues: 1 }])
  })
})

function hexOf(address: string): string {
  return Buffer.from(address.split('.').map(Number)).toString('hex')
}
