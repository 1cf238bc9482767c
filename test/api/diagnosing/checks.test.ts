import { execFile } from 'node:child_process'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import {
  ok,
  within,
  type Check,
  checkClock,
  checkDisk,
  checkPeers,
  checkReachability,
  checkRelaying,
  checkRoom,
} from '../../../src/api/diagnosing/checks.ts'
import { checkGateway } from '../../../src/api/diagnosing/diagnose.ts'
import type { GatewayFacts } from '../../../src/engine/network/gateway-facts.ts'
import type { NetworkFacts } from '../../../src/peers/diagnosis.ts'
import { openEngine } from '../../helpers/engines.ts'
import { openGateway } from '../../helpers/gateways.ts'
import { serveFolder } from '../../helpers/static-server.ts'
import { NO_SMALL_DISK, smallDisk } from '../../helpers/small-disk.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

const HOUR_MS = 3_600_000

const states = (checks: readonly Check[]) =>
  Object.fromEntries(checks.map(({ name, state }) => [name, state]))

async function directories() {
  const dataDir = await temporaryDirectory()
  const keysDir = join(dataDir, 'keys')
  await mkdir(keysDir, { mode: 0o700 })
  await chmod(dataDir, 0o700)
  return { dataDir, keysDir }
}

describe('the disk', () => {
  test('is well where there is room and privacy', async () => {
    expect(states(await checkDisk(await directories()))).toEqual({
      'disk space': 'ok',
      'data directory': 'ok',
      permissions: 'ok',
    })
  })

  test.skipIf(process.platform === 'win32')('is open to others', async () => {
    const config = await directories()
    await chmod(config.dataDir, 0o755)
    expect(states(await checkDisk(config))['permissions']).toBe('warning')
    await chmod(config.keysDir, 0o750)
    expect(states(await checkDisk(config))['permissions']).toBe('failed')
  })

  test('is nearly full, or read-only', async ({ skip }) => {
    skip(NO_SMALL_DISK !== undefined, NO_SMALL_DISK)
    const dataDir = await smallDisk(16)
    const config = { dataDir, keysDir: join(dataDir, 'keys') }
    expect(states(await checkDisk(config))['disk space']).toBe('failed')
    await promisify(execFile)('mount', ['-o', 'remount,ro', dataDir])
    expect(states(await checkDisk(config))['data directory']).toBe('failed')
  })
})

describe('the clock', () => {
  test('is well now, wrong long ago, and wrong before what was written here', async () => {
    const engine = await openEngine()
    expect((await checkClock(engine)).state).toBe('ok')
    expect((await checkClock(engine, Date.UTC(1999, 0, 1))).state).toBe('warning')
    expect((await checkClock(engine, Date.now() - HOUR_MS)).state).toBe('warning')
    expect((await checkClock(engine, Date.now() + HOUR_MS)).state).toBe('ok')
  })
})

describe('the network', () => {
  const facts: NetworkFacts = {
    publicKey: 'ab'.repeat(32),
    port: 40_000,
    seenAt: { host: '203.0.113.7', port: 40_000 },
    nat: 'open',
    nodes: 20,
    connections: 0,
    tcpConnections: 0,
    knownPeers: 0,
    bannedPeers: 0,
    attempts: { tried: 0, connected: 0, failed: {} },
  }
  const anywhere = { udpPort: undefined, host: undefined }

  test.each([
    ['open', 'ok'],
    ['consistent', 'ok'],
    ['random', 'warning'],
    ['unknown', 'warning'],
  ] as const)('with a NAT that is %s is %s', (nat, state) => {
    expect(states(checkReachability({ ...facts, nat }, anywhere))['reachable']).toBe(state)
  })

  test('tells of another port than the one that is set', () => {
    const at = (udpPort: number) => states(checkReachability(facts, { ...anywhere, udpPort }))
    expect(at(40_000)['UDP port']).toBe('ok')
    expect(at(49_737)['UDP port']).toBe('warning')
  })

  test('says in words why connections failed, those that mean the same together', () => {
    const failed = { CANNOT_HOLEPUNCH: 2, HOLEPUNCH_ABORTED: 1, SOMETHING_NEW: 4 }
    const attempts = { tried: 9, connected: 2, failed }
    const check = checkPeers({ ...facts, knownPeers: 5, attempts })
    expect(check.state).toBe('warning')
    expect(check.message).toContain('let nothing through (3), SOMETHING_NEW (4)')
    expect(checkPeers({ ...facts, connections: 1, attempts }).state).toBe('ok')
    expect(checkPeers(facts).state).toBe('warning')
  })

  test('says who relays, for whom, and whether the address is hidden', () => {
    const none = { isOffered: false, isHidden: false, isReady: false, through: [] }
    const off = { relayOffer: false, relayUse: undefined }
    const key = 'ab'.repeat(32)
    expect(checkRelaying(none, off)).toEqual([])
    expect(checkRelaying({ ...none, through: [key, key] }, off)[0]?.message).toBe(
      '2 connected through a relay of abababab.',
    )
    const given = { pairs: 3, bytesToday: 2_000, bytes: 2_000 }
    expect(states(checkRelaying({ ...none, given, isOffered: true }, off))).toEqual({ relay: 'ok' })
    expect(states(checkRelaying({ ...none, given }, off))).toEqual({ relay: 'warning' })
    const hidden = { ...none, isHidden: true }
    const use = { relayOffer: true, relayUse: [key] }
    expect(states(checkRelaying(hidden, off))).toEqual({ hidden: 'failed' })
    expect(states(checkRelaying(hidden, use))).toEqual({ hidden: 'warning', relay: 'warning' })
    expect(states(checkRelaying({ ...hidden, isReady: true }, use))['hidden']).toBe('ok')
  })

  test('says whether the room is searched', () => {
    const [on, off] = [true, false].map(
      (localDiscovery) => checkRoom({ localDiscovery }, { tcpConnections: 2 }).message,
    )
    expect(on).toContain('2 connected over TCP')
    expect(off).not.toContain('TCP')
  })
})

describe('a check', () => {
  test('that takes too long is told of, and not waited for', async () => {
    const checks = await within('slow', 20, () => new Promise(() => undefined))
    expect(states(checks)).toEqual({ slow: 'warning' })
  })

  test('that fails is told of', async () => {
    const checks = await within('broken', 1_000, () => Promise.reject(new Error('no such thing')))
    expect(checks).toMatchObject([{ state: 'failed' }])
    expect(await within('good', 1_000, () => Promise.resolve(ok('good', 'x')))).toHaveLength(1)
  })
})

describe('the gateway', () => {
  const check = (facts: GatewayFacts | undefined) =>
    checkGateway({ gateway: () => facts }, new AbortController().signal)

  test('answers, or somebody else does, or nobody', async () => {
    const { gateway, origin } = await openGateway(await openEngine())
    const facts = gateway.facts()
    expect(facts?.address).toBe(`${origin}/`)
    const [well] = await check(facts)
    expect(well).toMatchObject({ name: 'gateway', state: 'ok' })
    expect(well?.message).toBe(`${origin}/ answers; 0 browser tabs are connected.`)

    const folder = await temporaryDirectory()
    await writeFile(join(folder, 'manifest.webmanifest'), '{"name":"Something else"}')
    const address = `${(await serveFolder(folder)).origin}/`
    const [other] = await check({ address, tabs: 0, uploadedBytes: 0, newsletters: [] })
    expect(other).toMatchObject({
      state: 'warning',
      message: `Another server answers at ${address}.`,
    })

    await gateway.close()
    const [gone] = await check(facts)
    expect(gone?.state).toBe('warning')
    expect(gone?.message).toContain(`${origin}/ does not answer here: `)
    expect(
      await check({ address, tabs: 0, uploadedBytes: 0, newsletters: [], problem: 'Taken.' }),
    ).toMatchObject([{ state: 'warning', message: 'Taken.' }])
    expect(await check(gateway.facts())).toEqual([])
  })
})
