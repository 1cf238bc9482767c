// A kilobyte at a time over a connection that stands: what the way itself takes. Given: `address` to listen on, and
// `sizeBytes`; or the address of the other as `from`, and `sizeBytes`.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { given } from './given.js'
import { onCommand, ready, tellTime } from './line.js'

const PORT = 8731
const { address, from, sizeBytes } = given

if (address !== undefined) {
  const server = createServer((socket) => {
    socket.setNoDelay(true)
    onCommand('publish', () => {
      tellTime()
      socket.write(randomBytes(sizeBytes))
    })
  }).listen(PORT, address)
  await once(server, 'listening')
} else {
  const socket = connect(PORT, from)
  await once(socket, 'connect')
  let bytes = 0
  socket.on('data', (chunk) => {
    bytes += chunk.length
    for (; bytes >= sizeBytes; bytes -= sizeBytes) tellTime()
  })
}
ready({})
