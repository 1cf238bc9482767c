import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createHash, randomBytes } from 'node:crypto'
import { WebSocket, WebSocketServer } from 'ws'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { SocketStream } from '../../../src/peers/web/socket-stream.ts'

const servers: WebSocketServer[] = []

afterEach(() => {
  for (const server of servers.splice(0)) {
    for (const client of server.clients) client.terminate()
    server.close()
  }
})

interface Ends {
  readonly client: WebSocket
  readonly near: SocketStream
  readonly far: SocketStream
}

/** Two streams over one WebSocket; the near one as in a browser, the far one as in a daemon. */
async function pair(): Promise<Ends> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false })
  servers.push(server)
  const accepted = once(server, 'connection') as Promise<[WebSocket]>
  await once(server, 'listening')
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`)
  client.binaryType = 'arraybuffer'
  const near = new SocketStream(client)
  const [socket] = await accepted
  return { client, near, far: new SocketStream(socket) }
}

/** Writes as a stream with back-pressure does. */
async function send(to: SocketStream, pieces: readonly Uint8Array[]): Promise<void> {
  for (const piece of pieces) if (!to.write(piece)) await once(to, 'drain')
}

/** The digest of so many bytes that arrive. */
function digestOf(stream: SocketStream, bytes: number): Promise<string> {
  const hash = createHash('sha256')
  let left = bytes
  return new Promise((resolve, reject) => {
    stream.on('error', reject)
    stream.on('data', (data) => {
      const chunk = data as Uint8Array
      hash.update(chunk)
      left -= chunk.byteLength
      if (left === 0) resolve(hash.digest('hex'))
    })
  })
}

describe('a stream over a WebSocket', () => {
  it('carries bytes in both directions, in order, whatever the size of a piece', async () => {
    const { near, far } = await pair()
    // What is written before it is open is sent after; one piece is as large as secret-stream writes at most.
    const pieces = [randomBytes(1), randomBytes(9_000_001), Buffer.alloc(0), randomBytes(65_537)]
    const whole = Buffer.concat(pieces)
    const digest = createHash('sha256').update(whole).digest('hex')
    const arrived = [near, far].map((it) => digestOf(it, whole.byteLength))
    await Promise.all([send(near, pieces), send(far, pieces)])
    expect(await Promise.all(arrived)).toEqual([digest, digest])
  })

  it('sends no more than the other side reads', async () => {
    const { near, far } = await pair()
    far.pause()
    const piece = Buffer.alloc(1_000_000)
    let sent = 0
    const all = (async () => {
      for (; sent < 100; sent++) await send(near, [piece])
    })()
    let before = 0
    await vi.waitFor(
      () => {
        const last = before
        before = sent
        expect(sent).toBeGreaterThan(0)
        expect(sent).toBe(last)
      },
      { timeout: 20_000, interval: 300 },
    )
    // Whatever the buffers of the system hold.
    expect(sent).toBeLessThan(50)
    far.resume()
    await all
  })

  it('ends both sides when one ends, with what was written before', async () => {
    const { near, far } = await pair()
    const arrived = digestOf(near, 300_000)
    const closed = Promise.all([once(near, 'close'), once(far, 'close')])
    const last = randomBytes(300_000)
    far.write(last)
    far.end(null)
    expect(await arrived).toBe(createHash('sha256').update(last).digest('hex'))
    near.resume()
    far.resume()
    await closed
  })

  it('ends with an error at a text message, and where nobody listens', async () => {
    const { client, near, far } = await pair()
    near.on('error', () => undefined)
    const failed = once(far, 'error')
    if (client.readyState !== WebSocket.OPEN) await once(client, 'open')
    client.send('text')
    expect(String(await failed)).toMatch(/not binary/u)

    const nobody = new SocketStream(new WebSocket('ws://127.0.0.1:1'))
    expect(String(await once(nobody, 'error'))).toMatch(/failed/u)
  })
})
