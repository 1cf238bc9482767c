// What the bare peers of a pair connect over. Arguments: udx or tcp, send or take, bytes, bytes of a block.
import { connect, createServer } from 'node:net'
import SecretStream from '@hyperswarm/secret-stream'
import UDX from 'udx-native'
import { onCommand, ready } from '../../swarm/peers/line.js'

const HOST = '127.0.0.1'
const PORT = 41_000

const [transport, role, ...sizes] = process.argv.slice(2)

export const sends = role === 'send'
export const [size, blockBytes] = sizes.map(Number)

/** Calls `use` with the encrypted stream once the other side is to be connected. */
export function whenConnected(use) {
  const begin = (raw) => {
    const stream = new SecretStream(!sends, raw)
    stream.on('error', () => undefined)
    use(stream)
  }
  const isTcp = transport === 'tcp'
  if (isTcp && sends) {
    const server = createServer((socket) => begin(socket.setNoDelay(true)))
    server.listen(PORT, HOST, () => ready({}))
    return
  }
  if (sends) begin(udxStream())
  else {
    const raw = () => (isTcp ? connect({ port: PORT, host: HOST, noDelay: true }) : udxStream())
    onCommand('begin', () => begin(raw()))
  }
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
