import { describe, expect, onTestFinished, test } from 'vitest'
import type { Address } from '../../src/config/config.ts'
import { runBootstrapNode } from '../../src/peers/dht.ts'
import { expectCode } from '../helpers/errors.ts'
import { openAuthor, openPeer } from '../helpers/peers.ts'
import { subscribe } from '../helpers/swarm-peers.ts'

interface Running {
  readonly address: Address
  readonly stop: () => Promise<void>
}

/** Runs a node until the test ends or `stop`. */
async function running(port?: number): Promise<Running> {
  const abort = new AbortController()
  let ended: Promise<void> | undefined
  const address = await new Promise<Address>((resolve, reject) => {
    const options = { host: '127.0.0.1', port, signal: abort.signal, onReady: resolve }
    ended = runBootstrapNode(options)
    ended.catch(reject)
  })
  const stop = async () => {
    abort.abort()
    await ended
  }
  onTestFinished(stop)
  return { address, stop }
}

describe('a bootstrap node', () => {
  test('lets peers find each other', async () => {
    const { address } = await running()
    expect(address).toEqual({ host: '127.0.0.1', port: expect.any(Number) as number })
    const author = await openAuthor([address], { issues: 1 })
    const reader = await openPeer([address])
    await subscribe(reader, author.link)
    expect(await reader.operations.listInbox({})).toHaveLength(1)
  })

  test('listens on the port it is given, and frees it when it is told to end', async () => {
    const { address, stop } = await running()
    await stop()
    const again = await running(address.port)
    expect(again.address).toEqual(address)
  })

  test('refuses a port that is taken', async () => {
    const { address } = await running()
    await expectCode(running(address.port), 'INVALID_INPUT')
  })

  test('ends at once when it was told to before it was ready', async () => {
    const ready: Address[] = []
    await runBootstrapNode({
      host: '127.0.0.1',
      signal: AbortSignal.abort(),
      onReady: (address) => ready.push(address),
    })
    expect(ready.length).toBeLessThanOrEqual(1)
  })
})
