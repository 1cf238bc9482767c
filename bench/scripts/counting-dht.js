// A private DHT that counts what its nodes receive, as large as it takes for an announcement to meet as
// many nodes as on the public one. Prints where it is; the address `counts` answers with the count.
import { createServer } from 'node:http'
import HyperDHT from 'hyperdht'

const NODES = 26
const host = '127.0.0.1'

const own = { host, port: 0, ephemeral: false, firewalled: false }
const first = new HyperDHT({ ...own, bootstrap: [] })
await first.fullyBootstrapped()
const bootstrap = { host, port: first.address().port }
const nodes = [first]
while (nodes.length < NODES) {
  const node = new HyperDHT({ ...own, bootstrap: [bootstrap] })
  await node.fullyBootstrapped()
  nodes.push(node)
}

function received() {
  const sockets = nodes.flatMap(({ io }) => [...new Set([io.serverSocket, io.clientSocket])])
  return sockets.reduce((sum, it) => sum + it.bytesReceived, 0)
}

const server = createServer((_request, response) => response.end(String(received())))
server.listen(0, host, () => {
  const { port } = server.address()
  const ready = { bootstrap: `${host}:${bootstrap.port}`, counts: `http://${host}:${port}/` }
  process.stdout.write(`${JSON.stringify(ready)}\n`)
})
