import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import crypto from 'hypercore-crypto'
import type { Connection } from 'hyperswarm'
import { describe, expect, test } from 'vitest'
import { handshake } from '../../../src/peers/lan/handshake.ts'
import { tcpPair } from '../../helpers/loopback.ts'

/** Longer than any of these takes. */
const LONG_MS = 10_000

/** Long enough to begin, and too short to wait for. */
const SHORT_MS = 200

const [alice, bob, eve] = [crypto.keyPair(), crypto.keyPair(), crypto.keyPair()] as const

/** How a handshake ended, for those that must fail. */
const ending = (attempt: Promise<Connection>) =>
  attempt.then(
    () => 'open',
    (error: unknown) => (error instanceof Error ? error.message : ''),
  )

describe('a handshake over TCP', () => {
  test('gives both the proved key of the other, and a stream that carries what is sent', async () => {
    const { calling, called } = await tcpPair()
    const [out, into] = await Promise.all([
      handshake(calling, { keyPair: alice, remotePublicKey: bob.publicKey, deadlineMs: LONG_MS }),
      handshake(called, { keyPair: bob, deadlineMs: LONG_MS }),
    ])
    expect(out.remotePublicKey).toEqual(bob.publicKey)
    expect(into.remotePublicKey).toEqual(alice.publicKey)
    const block = randomBytes(100_000)
    into.write(block)
    expect(await once(out, 'data')).toEqual([block])
    out.end()
    into.end()
  })

  test('tells nothing to who does not know whom it calls', async () => {
    const { calling, called } = await tcpPair()
    const into = ending(handshake(called, { keyPair: bob, deadlineMs: LONG_MS }))
    const out = ending(
      handshake(calling, {
        keyPair: alice,
        remotePublicKey: eve.publicKey,
        deadlineMs: LONG_MS,
      }),
    )
    expect(await into).toBe('Noise handshake failed')
    expect(await out).not.toBe('open')
    expect(calling.bytesRead).toBe(0)
  })

  test('believes nobody who cannot answer for the key that was called', async () => {
    const { calling, called } = await tcpPair()
    const out = ending(
      handshake(calling, { keyPair: alice, remotePublicKey: bob.publicKey, deadlineMs: LONG_MS }),
    )
    const into = ending(handshake(called, { keyPair: eve, deadlineMs: LONG_MS }))
    expect(await out).not.toBe('open')
    expect(await into).not.toBe('open')
  })

  test('ends by its deadline when nothing comes', async () => {
    const { called } = await tcpPair()
    const into = ending(handshake(called, { keyPair: bob, deadlineMs: SHORT_MS }))
    expect(await into).toBe('It took too long.')
    expect(called.destroyed).toBe(true)
  })

  test('ends by its deadline when garbage comes slowly', async () => {
    const { calling, called } = await tcpPair()
    calling.on('error', () => undefined)
    const drip = setInterval(() => calling.write(Buffer.alloc(1)), 10)
    const into = ending(handshake(called, { keyPair: bob, deadlineMs: SHORT_MS }))
    expect(await into).not.toBe('open')
    clearInterval(drip)
    expect(called.destroyed).toBe(true)
  })

  test('ends at once when a frame says to be longer than any of a handshake', async () => {
    const { calling, called } = await tcpPair()
    calling.on('error', () => undefined)
    calling.write(Buffer.from([0xff, 0xff, 0xff]))
    const into = ending(handshake(called, { keyPair: bob, deadlineMs: LONG_MS }))
    expect(await into).toBe('It sends too long a frame.')
  })

  test('is not believed when it is one of another caller that somebody recorded', async () => {
    const first = await tcpPair()
    const heard: Buffer[] = []
    first.called.on('data', (bytes: Buffer) => heard.push(bytes))
    const [out, into] = await Promise.all([
      handshake(first.calling, {
        keyPair: alice,
        remotePublicKey: bob.publicKey,
        deadlineMs: LONG_MS,
      }),
      handshake(first.called, { keyPair: bob, deadlineMs: LONG_MS }),
    ])
    out.destroy()
    into.destroy()

    const { calling, called } = await tcpPair()
    calling.on('error', () => undefined)
    for (const bytes of heard) calling.write(bytes)
    const again = ending(handshake(called, { keyPair: bob, deadlineMs: SHORT_MS }))
    expect(await again).not.toBe('open')
  })
})
