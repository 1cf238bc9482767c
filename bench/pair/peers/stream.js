// A bare encrypted stream, as it carries everything else.
import { randomBytes } from 'node:crypto'
import { ready } from '../../swarm/peers/line.js'
import { blockBytes, sends, size, whenConnected } from './connection.js'

whenConnected((stream) => {
  if (sends) stream.once('data', () => send(stream))
  else take(stream)
})

function send(stream) {
  const block = randomBytes(blockBytes)
  let left = size
  const write = () => {
    while (left > 0) {
      left -= blockBytes
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
    if (bytes >= size) ready({ last: true })
  })
  stream.write(Buffer.from('go'))
}
