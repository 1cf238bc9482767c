import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { expect, onTestFinished, test } from 'vitest'
import { bindingAnswer, openStun } from '../../../src/peers/web/stun.ts'

const bytes = (digits: string) => Buffer.from(digits.replaceAll(' ', ''), 'hex')

/** Of RFC 5769, section 2.1, without its attributes. */
const REQUEST = bytes('0001 0000 2112a442 b7e7a701bc34d686fa87dfae')
const FROM = { address: '192.0.2.1', port: 32_853 }

test('what is answered is what RFC 5769 has as the mapped address', () => {
  const answer = bytes('0101 000c 2112a442 b7e7a701bc34d686fa87dfae 0020 0008 0001 a147 e112a643')
  expect(Buffer.from(bindingAnswer(REQUEST, FROM) ?? [])).toEqual(answer)
  const longer = Buffer.concat([REQUEST, bytes('8022 0004 74657374')])
  longer.writeUInt16BE(8, 2)
  expect(Buffer.from(bindingAnswer(longer, FROM) ?? [])).toEqual(answer)
})

test.each([
  ['nothing', Buffer.alloc(0)],
  ['half a header', REQUEST.subarray(0, 19)],
  ['another length than it says', Buffer.concat([REQUEST, Buffer.alloc(4)])],
  ['an answer', Buffer.concat([bytes('0101'), REQUEST.subarray(2)])],
  ['an indication', Buffer.concat([bytes('0011'), REQUEST.subarray(2)])],
  ['a request of TURN', Buffer.concat([bytes('0003'), REQUEST.subarray(2)])],
  ['STUN of before the cookie', Buffer.concat([REQUEST.subarray(0, 4), Buffer.alloc(16)])],
  ['more than a client may send', Buffer.concat([bytes('0001 0400'), Buffer.alloc(1_042)])],
])('%s is not answered', (_, request) => {
  expect(bindingAnswer(request, FROM)).toBeUndefined()
})

test('nobody is answered at port 0, to which nothing can be sent', () => {
  expect(bindingAnswer(REQUEST, { ...FROM, port: 0 })).toBeUndefined()
})

test('an address is answered so often, and garbage never', async () => {
  const server = await openStun({ host: '127.0.0.1', port: 0 })
  const socket = createSocket('udp4').bind(0, '127.0.0.1')
  onTestFinished(async () => {
    socket.close()
    await server.close()
  })
  await once(socket, 'listening')
  const answers: Buffer[] = []
  socket.on('message', (answer) => answers.push(answer))
  const { port } = socket.address()
  for (let i = 0; i < 120; i++) {
    socket.send(Buffer.from('GET / HTTP/1.1\r\n\r\n....'), server.port, '127.0.0.1')
    socket.send(REQUEST, server.port, '127.0.0.1')
    await new Promise(setImmediate)
  }
  await expect.poll(() => answers.length).toBeGreaterThanOrEqual(64)
  expect(answers.length).toBeLessThan(100)
  const expected = Buffer.from(bindingAnswer(REQUEST, { address: '127.0.0.1', port }) ?? [])
  for (const it of answers) expect(it).toEqual(expected)
})
