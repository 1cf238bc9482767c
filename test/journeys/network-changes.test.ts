import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { loadConfig } from '../../src/config/config.ts'
import { connect } from '../../src/connect.ts'
import type { Operations } from '../../src/api/contract/contract.ts'
import { NO_ROOMS, openRoom, readyLine, type Host } from '../helpers/namespaces.ts'
import { all } from '../helpers/operations.ts'
import { publish } from '../helpers/peers.ts'
import { eventually } from '../helpers/swarm-peers.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

/** What is promised, and as long as these may take that wait for something else first. */
const BACK_WITHIN_MS = 15_000
const KILLED_WITHIN_MS = 20_000

/** Longer than a connection lives without an answer. */
const OUTAGE_MS = 25_000

const DHT_PORT = 40_001

interface Device {
  readonly host: Host
  readonly operations: Operations
  readonly child: ReturnType<Host['start']>
}

async function openDht(host: Host) {
  const child = host.start(['dht', '--host', host.address, '--port', `${DHT_PORT}`, '--json'])
  await readyLine(child)
  return child
}

/** A daemon by the real command. */
async function openDaemon(host: Host, bootstrap: string): Promise<Device> {
  const dataDir = join(await temporaryDirectory(), 'data')
  const flags = ['--data-dir', dataDir, '--bootstrap', bootstrap, '--local-discovery', 'off']
  const child = host.start(['daemon', 'run', ...flags], { XDG_CONFIG_HOME: dataDir })
  await readyLine(child)
  // The socket is a file, which all namespaces share.
  const { operations, via, close } = await connect(await loadConfig({ dataDir, bootstrap }, {}))
  expect(via).toBe('daemon')
  onTestFinished(close)
  return { host, operations, child }
}

/** A DHT, an author and a reader who is connected to them, on machines of their own. */
async function openScene() {
  const [first, second, third] = (await openRoom(3)) as [Host, Host, Host]
  const bootstrap = `${first.address}:${DHT_PORT}`
  const dht = await openDht(first)
  const author = await openDaemon(second, bootstrap)
  const reader = await openDaemon(third, bootstrap)
  const { link } = await author.operations.createNewsletter({ title: 'Tides' })
  await publish(author.operations, '# First\n')
  await all(reader.operations.subscribe({ link, timeoutSeconds: 20 }))
  return { dht, dhtHost: first, author, reader, bootstrap, link }
}

/** How many issues of its only newsletter a device has. */
async function issuesAt({ operations }: Device): Promise<number> {
  const { newsletters } = await operations.status({})
  return newsletters[0]?.issues ?? 0
}

async function peersOf({ operations }: Device): Promise<number> {
  return (await operations.status({})).peers
}

/** The reader gets what was published meanwhile in the time that is promised. */
async function expectBack(reader: Device, issues: number): Promise<void> {
  const start = performance.now()
  await eventually(async () => expect(await issuesAt(reader)).toBe(issues), 2 * BACK_WITHIN_MS)
  expect(performance.now() - start).toBeLessThan(BACK_WITHIN_MS)
}

function pass(ms: number): Promise<void> {
  const start = performance.now()
  return eventually(() => expect(performance.now() - start).toBeGreaterThan(ms), ms + 5_000)
}

describe('a reader gets new issues within 15 s', { timeout: 90_000 }, () => {
  test('after its address changed', async ({ skip }) => {
    skip(NO_ROOMS !== undefined, NO_ROOMS)
    const { author, reader } = await openScene()
    await reader.host.move('10.77.0.77')
    await publish(author.operations, '# Second\n')
    await expectBack(reader, 2)
  })

  test('after its network was away', async ({ skip }) => {
    skip(NO_ROOMS !== undefined, NO_ROOMS)
    const { author, reader } = await openScene()
    await reader.host.unplug()
    await publish(author.operations, '# Second\n')
    await pass(OUTAGE_MS)
    expect(await issuesAt(reader)).toBe(1)
    await reader.host.plug()
    await expectBack(reader, 2)
  })

  test('after the DHT was away, of an author whom it had not met', async ({ skip }) => {
    skip(NO_ROOMS !== undefined, NO_ROOMS)
    const { dht, dhtHost, author, reader, bootstrap, link } = await openScene()
    // The author loses its reader, and then nobody can find it.
    reader.child.kill('SIGKILL')
    dht.kill('SIGKILL')
    const other = await openDaemon(reader.host, bootstrap)
    await all(other.operations.subscribe({ link, wait: false }))
    await pass(OUTAGE_MS)
    expect(await peersOf(author)).toBe(0)
    await openDht(dhtHost)
    await expectBack(other, 1)
  })

  test('after it slept', async ({ skip }) => {
    skip(NO_ROOMS !== undefined, NO_ROOMS)
    const { author, reader } = await openScene()
    reader.child.kill('SIGSTOP')
    await publish(author.operations, '# Second\n')
    await pass(OUTAGE_MS)
    reader.child.kill('SIGCONT')
    await expectBack(reader, 2)
  })

  test('over a link of 64 kbit/s', async ({ skip }) => {
    skip(NO_ROOMS !== undefined, NO_ROOMS)
    const { author, reader } = await openScene()
    await reader.host.slowDown(64_000)
    await publish(author.operations, '# Second\n')
    await expectBack(reader, 2)
  })
})

test('a peer that was killed is noticed within 20 s', { timeout: 60_000 }, async ({ skip }) => {
  skip(NO_ROOMS !== undefined, NO_ROOMS)
  const { author, reader } = await openScene()
  expect(await peersOf(author)).toBe(1)
  reader.child.kill('SIGKILL')
  await eventually(async () => expect(await peersOf(author)).toBe(0), KILLED_WITHIN_MS)
})
