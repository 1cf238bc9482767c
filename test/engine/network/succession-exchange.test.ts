import c from 'compact-encoding'
import crypto from 'hypercore-crypto'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { encodeZ32, feedKeyOf } from '../../../src/format/keys/feed-key.ts'
import { SuccessionExchange } from '../../../src/engine/network/succession-exchange.ts'
import { HyperletterError } from '../../../src/errors.ts'
import type { Feed } from '../../../src/format/feed.ts'
import type { ReadOptions } from '../../../src/format/log.ts'
import { encodeRecord } from '../../../src/format/records/record.ts'
import {
  encodeSuccession,
  maskSuccession,
  signSuccession,
  type Succession,
} from '../../../src/format/records/succession.ts'
import { createLogger } from '../../../src/logger.ts'
import type { DhtValue } from '../../../src/peers/dht.ts'
import { muxPair } from '../../helpers/mux-pair.ts'
import { newsletterRecord } from '../../format/records/samples.ts'
import { eventually } from '../../helpers/swarm-peers.ts'

const MINUTE_MS = 60_000

/** So that hours pass at once; what goes over streams takes the real time. */
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
})
afterEach(() => {
  vi.useRealTimers()
})

/** A reader of a newsletter whose first block has arrived or not, and a peer who says where it continues. */
async function reader({ hasFirstBlock = true } = {}) {
  const recovery = crypto.keyPair()
  const from = feedKeyOf(crypto.keyPair().publicKey)
  const to = feedKeyOf(crypto.keyPair().publicKey)
  const statement = (issuedAt: number) => signSuccession({ from, to, issuedAt }, recovery)
  const [mux, other] = await muxPair()
  const record = encodeRecord(newsletterRecord({ recoveryKey: encodeZ32(recovery.publicKey) }), 0)
  const state = { hasFirstBlock }
  const log = {
    peers: [{ publicKey: mux.stream.remotePublicKey }],
    read: async (_: number, { wait = true, timeoutMs = 15_000 }: ReadOptions) => {
      if (!state.hasFirstBlock && wait) await new Promise((done) => setTimeout(done, timeoutMs))
      if (state.hasFirstBlock) return record
      throw new HyperletterError('NOT_AVAILABLE', 'Nobody delivered it.')
    },
  }
  const feed = { feedKey: from, length: 1, log } as unknown as Feed
  const accepted: Succession[] = []
  const misdeeds: string[] = []
  const lookUps = vi.fn<() => Promise<DhtValue | undefined>>(() => Promise.resolve(undefined))
  const exchange = new SuccessionExchange({
    swarm: { size: 1, dhtValues: { get: lookUps, put: () => Promise.resolve(true) } },
    logger: createLogger('silent'),
    onMisdeed: (_, what) => misdeeds.push(what),
    onStatement: async (it) => {
      accepted.push(it)
      exchange.announce(it)
    },
  })
  exchange.add(feed)
  exchange.attach(mux)
  const channel = other.createChannel({
    protocol: 'hyperletter/succession/1',
    messages: [{ encoding: c.raw }],
  })
  channel?.open()
  await channel?.fullyOpened()
  const send = (it: Succession) => channel?.messages[0]?.send(Buffer.from(encodeSuccession(it)))
  return { exchange, state, statement, send, accepted, misdeeds, lookUps }
}

test('a statement that arrives long before the first block counts once that is there', async () => {
  const { exchange, state, statement, send, accepted } = await reader({ hasFirstBlock: false })
  send(statement(1_000))
  await vi.advanceTimersByTimeAsync(5 * MINUTE_MS)
  expect(accepted).toEqual([])
  state.hasFirstBlock = true
  await vi.advanceTimersByTimeAsync(2 * MINUTE_MS)
  await eventually(() => expect(accepted).toMatchObject([{ issuedAt: 1_000 }]))
  exchange.close()
})

test('of the DHT a statement counts only if its sequence number is its time', async () => {
  const { exchange, statement, accepted, lookUps } = await reader()
  const value = maskSuccession(statement(1_000))
  lookUps.mockResolvedValueOnce({ value, seq: 9_999 }).mockResolvedValue({ value, seq: 1_000 })
  await vi.advanceTimersByTimeAsync(MINUTE_MS)
  expect(lookUps).toHaveBeenCalledTimes(1)
  expect(accepted).toEqual([])
  await vi.advanceTimersByTimeAsync(48 * 60 * MINUTE_MS)
  expect(accepted).toMatchObject([{ issuedAt: 1_000 }])
  exchange.close()
})

test('a look-up that fails is repeated after ten minutes', async () => {
  const { exchange, lookUps } = await reader()
  lookUps.mockRejectedValueOnce(new Error('The socket is closed.'))
  await vi.advanceTimersByTimeAsync(MINUTE_MS)
  expect(lookUps).toHaveBeenCalledTimes(1)
  await vi.advanceTimersByTimeAsync(10 * MINUTE_MS)
  expect(lookUps).toHaveBeenCalledTimes(2)
  exchange.close()
})
