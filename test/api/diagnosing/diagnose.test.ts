import { expect, test } from 'vitest'
import type { Output } from '../../../src/api/contract/contract.ts'
import { openAuthor, openPeer } from '../../helpers/peers.ts'
import { eventually, subscribe } from '../../helpers/swarm-peers.ts'
import { privateNetwork } from '../../helpers/testnet.ts'

const stateOf = ({ checks }: Output<'diagnose'>, name: string) =>
  checks.find((it) => it.name === name)?.state

test('a device that is well is found well', async () => {
  const network = await privateNetwork()
  const author = await openAuthor(network, { issues: 1 })
  const reader = await openPeer(network)
  await subscribe(reader, author.link)

  const found = await reader.operations.diagnose({})

  expect(found.publicKey).toMatch(/^[0-9a-f]{64}$/)
  expect(found.checks.filter((it) => it.state !== 'ok')).toEqual([])
  expect(found.checks.map((it) => it.name)).toEqual([
    'clock',
    'disk space',
    'data directory',
    'permissions',
    'DHT',
    'reachable',
    'UDP port',
    'local network',
    'peers',
    'newsletters',
  ])
  const { publicKey } = await reader.operations.diagnose({})
  expect(publicKey).toBe(found.publicKey)
})

test('a device without a DHT learns so within the deadline', async () => {
  const { operations } = await openPeer([{ host: '127.0.0.1', port: 9 }])
  const begun = performance.now()
  const found = await operations.diagnose({})
  expect(performance.now() - begun).toBeLessThan(12_000)
  expect(stateOf(found, 'DHT')).toBe('failed')
  expect(stateOf(found, 'peers')).toBe('warning')
})

test('what is measured tells peers, blocks and bytes of each newsletter', async () => {
  const network = await privateNetwork()
  const author = await openAuthor(network, { issues: 2 })
  const reader = await openPeer(network)
  await subscribe(reader, author.link)

  await eventually(async () => {
    const measures = await author.operations.measure({})
    expect(measures).toMatchObject({
      online: true,
      network: { connections: 1 },
      newsletters: [{ feedKey: author.feedKey, roles: ['author'], peers: 1, fullCopies: 1 }],
    })
  })
  const { newsletters, freeBytes, network: numbers } = await reader.operations.measure({})
  expect(newsletters).toMatchObject([{ length: 5, heldBlocks: 5 }])
  expect(newsletters[0]?.downloadedBytes).toBeGreaterThan(0)
  expect(freeBytes).toBeGreaterThan(0)
  expect(numbers?.attempts).toBeGreaterThanOrEqual(numbers?.connected ?? 0)
})
