// Files over HTTP. Given: `address` to serve on, and `sizeBytes` of each file; or the address of the server as
// `from`, `files`, and over how many `connections`.
import { once } from 'node:events'
import { Agent, createServer, get } from 'node:http'
import { randomBytes } from 'node:crypto'
import { given } from './given.js'
import { finished, onCommand, progress, ready } from './line.js'

if (given.address !== undefined) {
  const bytes = randomBytes(given.sizeBytes)
  const server = createServer((_, response) => response.end(bytes)).listen(80, given.address)
  await once(server, 'listening')
  onCommand('publish', () => undefined)
} else {
  const agent = new Agent({ keepAlive: true, maxSockets: given.connections })
  onCommand('begin', () => {
    const told = progress()
    let left = given.files
    for (let i = 0; i < given.files; i++) {
      get({ host: given.from, path: `/${i}`, agent }, (response) => {
        response.on('data', (chunk) => told.add(chunk.length))
        response.on('end', () => {
          if (--left === 0) finished(told)
        })
        // Whoever is cut off does not get everything.
      }).on('error', () => undefined)
    }
  })
}
ready({})
