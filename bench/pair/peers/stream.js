// A bare encrypted stream, as it carries everything else. Arguments: udx or tcp, send or take, bytes.
import { randomBytes } from 'node:crypto'
import { connect, createServer } from 'node:net'
import SecretStream from '@hyperswarm/secret-stream'
import UDX from 'udx-native'
import { onCommand, ready } from '../../swarm/peers/line.js'

const HOST = '127.0.0.1'
const PORT = 41_000
const BLOCK_BYTES = 65_536

const [transport, role, size] = process.argv.slice(2)
const sends = role === 'send'

if (transport === 'tcp' && sends) {
  const server = createServer((socket) => begin(socket.setNoDelay(true)))
  server.listen(PORT, HOST, () => ready({}))
} else if (sends) {
  begin(udxStream())
  ready({})
} else {
  onCommand('begin', () =>
    begin(transport === 'tcp' ? connect({ port: PORT, host: HOST, noDelay: true }) : udxStream()),
  )
  ready({})
}

function udxStream() {
  const udx = new UDX()
  const socket = udx.createSocket()
  const [own, other] = sends ? [1, 2] : [2, 1]
  socket.bind(PORT + own, HOST)
  const stream = udx.createStream(own)
  stream.connect(socket, other, PORT + other, HOST)
  return stream
}

function begin(raw) {
  const stream = new SecretStream(!sends, raw)
  stream.on('error', () => undefined)
  if (sends) stream.once('data', () => send(stream))
  else take(stream)
}

function send(stream) {
  const block = randomBytes(BLOCK_BYTES)
  let left = Number(size)
  const write = () => {
    while (left > 0) {
      left -= BLOCK_BYTES
      if (!stream.write(block)) return
    }
  }
  stream.on('drain', write)
  write()
}

function take(stream) {
  let bytes = 0
  stream.on('data', (data) => {
    if (bytes === 0) ready({ first: true })
    bytes += data.byteLength
    if (bytes >= Number(size)) ready({ last: true })
  })
  stream.write(Buffer.from('go'))
}
