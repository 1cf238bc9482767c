import createTestnet from 'hyperdht/testnet.js'
import { onTestFinished } from 'vitest'
import type { Address } from '../../src/config/config.ts'

/** Nodes beside the first: announcements need a few to live on. */
const NODES = 4

/** The bootstrap nodes of a private DHT on loopback that goes when the running test ends. */
export async function privateNetwork(): Promise<readonly Address[]> {
  const testnet = await createTestnet(NODES)
  onTestFinished(() => testnet.destroy())
  return testnet.bootstrap
}
