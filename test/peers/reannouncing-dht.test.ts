import { randomBytes } from 'node:crypto'
import createTestnet from 'hyperdht/testnet.js'
import HyperDHT, { type Address } from 'hyperdht'
import { afterEach, expect, onTestFinished, test, vi } from 'vitest'
import { ReannouncingDht } from '../../src/peers/dht.ts'

/** More than the 20 that an announcement goes to at first. */
const NODES = 26

const HOUR_MS = 3_600_000

afterEach(() => {
  vi.restoreAllMocks()
})

async function open() {
  const testnet = await createTestnet(NODES)
  const dht = new ReannouncingDht({ bootstrap: testnet.bootstrap, host: '127.0.0.1' })
  onTestFinished(async () => {
    await dht.destroy({ force: true })
    await testnet.destroy()
  })
  await dht.fullyBootstrapped()
  const topic = randomBytes(32)
  const keyPair = HyperDHT.keyPair()
  return {
    testnet,
    /** Announces as the swarm does, which begins with the nodes of the time before. */
    renew: async (closestNodes?: readonly Address[]) => {
      const query = dht.announce(topic, keyPair, [], { closestNodes: closestNodes ?? null })
      await query.finished()
      return query.closestNodes
    },
    /** Whether anybody finds the key, asking nothing but the network. */
    isFound: async () => {
      const seeker = testnet.createNode()
      const found: Buffer[] = []
      const query = seeker.lookup(topic)
      query.on('data', ({ peers }) => found.push(...peers.map((it) => it.publicKey)))
      await query.finished()
      return found.some((it) => it.equals(keyPair.publicKey))
    },
  }
}

test('an announcement goes to the 20 nearest nodes, and is renewed at the 4 nearest of them', async () => {
  const { renew, isFound } = await open()
  const all = await renew()
  expect(all).toHaveLength(20)
  const few = await renew(all)
  expect(few).toEqual(all.slice(0, 4))
  expect(await renew(few)).toEqual(few)
  expect(await isFound()).toBe(true)
})

test('it goes to all of them again where one is gone, and some hours later', async () => {
  const { testnet, renew, isFound } = await open()
  const few = await renew(await renew())
  const [gone] = few
  await testnet.nodes.find((it) => it.address()?.port === gone?.port)?.destroy({ force: true })
  const left = await renew(few)
  expect(left.length).toBeLessThan(4)
  const again = await renew(left)
  expect(again.length).toBeGreaterThan(4)
  const fewAgain = await renew(again)
  expect(fewAgain).toHaveLength(4)

  vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 3 * HOUR_MS)
  expect((await renew(fewAgain)).length).toBeGreaterThan(4)
  expect(await isFound()).toBe(true)
})
