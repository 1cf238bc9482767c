// A file over HTTP. Arguments: `serve`, address, size in bytes; or `get`, address of the server.
import { once } from 'node:events'
import { createServer, get } from 'node:http'
import { randomBytes } from 'node:crypto'
import { finished, onCommand, progress, ready } from './line.js'

const [role, address, size] = process.argv.slice(2)

if (role === 'serve') {
  const bytes = randomBytes(Number(size))
  const server = createServer((_, response) => response.end(bytes)).listen(80, address)
  await once(server, 'listening')
  onCommand('publish', () => undefined)
} else {
  onCommand('begin', () => {
    const told = progress()
    get({ host: address }, (response) => {
      response.on('data', (chunk) => told.add(chunk.length))
      response.on('end', () => finished(told))
    })
  })
}
ready({})
