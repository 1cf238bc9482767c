// Hypercore and Hyperswarm as they come. Arguments: folder, host and port of a DHT node, then for a publisher its
// size in bytes, for a reader `key` and that key.
import { randomBytes } from 'node:crypto'
import Corestore from 'corestore'
import HyperDHT from 'hyperdht'
import Hyperswarm from 'hyperswarm'
import { finished, onCommand, progress, ready } from './line.js'

const BLOCK_BYTES = 65_536

const [dir, host, port, what, key] = process.argv.slice(2)
const store = new Corestore(dir)
const swarm = new Hyperswarm({ dht: new HyperDHT({ bootstrap: [{ host, port: Number(port) }] }) })
swarm.on('connection', (connection) => {
  connection.on('error', () => undefined)
  store.replicate(connection)
})

if (what === 'key') {
  const core = store.get({ key })
  await core.ready()
  swarm.join(core.discoveryKey)
  core.download({ start: 0, end: -1 })
  if (core.peers.length === 0) await new Promise((resolve) => core.once('peer-add', resolve))
  onCommand('begin', () => {
    const told = progress()
    core.on('download', (_, sizeBytes) => {
      told.add(sizeBytes)
      if (core.length > 0 && core.contiguousLength === core.length) finished(told)
    })
  })
  ready({})
} else {
  const core = store.get({ name: 'newsletter' })
  await core.ready()
  const blocks = Array.from({ length: Number(what) / BLOCK_BYTES }, () => randomBytes(BLOCK_BYTES))
  onCommand('publish', () => core.append(blocks))
  await swarm.join(core.discoveryKey).flushed()
  ready({ key: core.id })
}
