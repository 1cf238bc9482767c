import { once } from 'node:events'
import { createServer, get, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { fileOf, sendFile } from '../../../src/daemon/gateway/served-file.ts'
import { eventually } from '../../helpers/swarm-peers.ts'

it('a file is paid for in small parts, and no further once its reader has gone', async () => {
  const parts: number[] = []
  let proceed = () => {}
  const turn = () => new Promise<void>((resolve) => (proceed = resolve))
  let isSent = false
  const server = createServer((request, response) => {
    const onPiece = (bytes: number) => {
      parts.push(bytes)
      return parts.length === 1 ? Promise.resolve() : turn()
    }
    const file = fileOf(Buffer.alloc(1_000_000, 'tide'), 'text/plain')
    void sendFile(request, response, file, { onPiece }).finally(() => (isSent = true))
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const asked = get({ port: (server.address() as AddressInfo).port, agent: false })
  asked.on('error', () => undefined)
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  expect(answer.headers['content-length']).toBe('1000000')
  await eventually(() => expect(parts).toHaveLength(2))
  asked.destroy()
  await eventually(() => {
    proceed()
    expect(isSent).toBe(true)
  })
  expect(Math.max(...parts)).toBeLessThanOrEqual(16_384)
  expect(parts.length).toBeLessThan(10)
})
