import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
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
/** What the machine itself may take of it, with other tests beside. */
const SLACK_MS = 5_000
/** Also the time in which one notices that another one is away. */
const NOTICED_WITHIN_MS = 20_000

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

/** A DHT, an author, and readers who are connected to the author, on machines of their own. */
async function openScene(size: number) {
  const [dhtHost, ...hosts] = (await openRoom(2 + size)) as [Host, ...Host[]]
  const bootstrap = `${dhtHost.address}:${DHT_PORT}`
  const dht = await openDht(dhtHost)
  const devices = await Promise.all(hosts.map((it) => openDaemon(it, bootstrap)))
  const [author, ...readers] = devices as [Device, ...Device[]]
  const { link } = await author.operations.createNewsletter({ title: 'Tides' })
  await publish(author.operations, '# First\n')
  const subscribe = ({ operations }: Device) =>
    all(operations.subscribe({ link, timeoutSeconds: 20 }))
  await Promise.all(readers.map(subscribe))
  await peersBecome(author, size)
  return { dht, dhtHost, author, readers, bootstrap, link }
}

/** How many issues of its only newsletter a device has. */
async function issuesAt({ operations }: Device): Promise<number> {
  const { newsletters } = await operations.status({})
  return newsletters[0]?.issues ?? 0
}

function peersBecome({ operations }: Device, peers: number): Promise<void> {
  const status = async () => expect(await operations.status({})).toMatchObject({ peers })
  return eventually(status, NOTICED_WITHIN_MS)
}

/** A reader gets what was published meanwhile in the time that is promised. */
async function expectBack(reader: Device, issues: number): Promise<void> {
  const start = performance.now()
  await eventually(async () => expect(await issuesAt(reader)).toBe(issues), 2 * BACK_WITHIN_MS)
  expect(performance.now() - start).toBeLessThan(BACK_WITHIN_MS + SLACK_MS)
}

test(
  'readers whose network changed get new issues within 15 s, and one that was killed is noticed within 20 s',
  { timeout: 120_000 },
  async ({ skip }) => {
    skip(NO_ROOMS !== undefined, NO_ROOMS)
    const { author, readers } = await openScene(5)
    const [killed, away, asleep, moved, slow] = readers as [Device, Device, Device, Device, Device]
    killed.child.kill('SIGKILL')
    await away.host.unplug()
    asleep.child.kill('SIGSTOP')
    // Longer than a connection lives without an answer.
    await peersBecome(author, 2)

    await moved.host.move('10.77.0.77')
    await slow.host.slowDown(64_000)
    await publish(author.operations, '# Second\n')
    await Promise.all([expectBack(moved, 2), expectBack(slow, 2)])

    expect(await issuesAt(away)).toBe(1)
    await away.host.plug()
    asleep.child.kill('SIGCONT')
    await Promise.all([expectBack(away, 2), expectBack(asleep, 2)])
  },
)

test(
  'a reader gets issues within 15 s after the DHT was away, of an author whom it had not met',
  { timeout: 90_000 },
  async ({ skip }) => {
    skip(NO_ROOMS !== undefined, NO_ROOMS)
    const { dht, dhtHost, author, readers, bootstrap, link } = await openScene(1)
    const [reader] = readers as [Device]
    // The author loses its reader, and then nobody can find it.
    reader.child.kill('SIGKILL')
    dht.kill('SIGKILL')
    const other = await openDaemon(reader.host, bootstrap)
    await all(other.operations.subscribe({ link, wait: false }))
    await peersBecome(author, 0)
    await openDht(dhtHost)
    await expectBack(other, 1)
  },
)
