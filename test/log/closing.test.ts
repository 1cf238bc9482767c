import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Address } from '../../src/config/config.ts'
import { runPeer } from '../helpers/child.ts'
import { expectFailure } from '../helpers/operations.ts'
import { openAuthor, openPeer } from '../helpers/peers.ts'
import { addressOf, folderWithImage, subscribe, subscribeSoon } from '../helpers/swarm-peers.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { privateNetwork } from '../helpers/testnet.ts'

const CLOSE_MS = 4_000

/** A bootstrap node that takes every packet and answers none. */
async function deafNode(): Promise<Address> {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  onTestFinished(() => {
    socket.close()
  })
  return { host: '127.0.0.1', port: socket.address().port }
}

async function durationMs(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

// A key that nobody has.
const LONELY = `hyperletter://${'y'.repeat(52)}`

describe('with a bootstrap node that does not answer', () => {
  test('subscribing ends by its deadline with NOT_AVAILABLE and leaves nothing behind', async () => {
    const reader = await openPeer([await deafNode()])
    const tookMs = await durationMs(async () => {
      const subscribing = reader.operations.subscribe({ link: LONELY, timeoutSeconds: 1 })
      const { exitCode } = await expectFailure('NOT_AVAILABLE', subscribing)
      expect(exitCode).toBe(3)
    })
    // Its second, and leaving the topic that it had joined.
    expect(tookMs).toBeLessThan(1_000 + CLOSE_MS)
    expect(await reader.operations.listNewsletters({})).toEqual([])
  })

  test('closing is soon done', async () => {
    const reader = await openPeer([await deafNode()])
    await subscribeSoon(reader, LONELY)
    expect(await durationMs(() => reader.engine.close())).toBeLessThan(CLOSE_MS)
  })
})

test('closing is soon done when a peer was killed', async () => {
  const bootstrap = await privateNetwork()
  const { folder } = await folderWithImage('chart.png', 10_000)
  const dataDir = await temporaryDirectory()
  const author = runPeer('author', addressOf(bootstrap), dataDir, folder)
  const link = await author.line(/^hyperletter:/)
  const reader = await openPeer(bootstrap)
  await subscribe(reader, link)
  author.process.kill('SIGKILL')
  await author.ended()
  expect(await durationMs(() => reader.engine.close())).toBeLessThan(CLOSE_MS)
})

test('closing in the middle of a download is soon done, and what came is kept', async () => {
  const bootstrap = await privateNetwork()
  const author = await openAuthor(bootstrap, { issues: 20 })
  const reader = await openPeer(bootstrap)
  await subscribeSoon(reader, author.link)
  expect(await durationMs(() => reader.engine.close())).toBeLessThan(CLOSE_MS)
  expect(await durationMs(() => author.engine.close())).toBeLessThan(CLOSE_MS)
})
