// Hypercore and Hyperswarm as they come. Given: `dir`, `dht`, and for a publisher `sizeBytes` of what it will publish,
// and `backlog`: how many `issues` of what `sizeBytes` it has published before; for a reader the `key`, and how
// to read: see `ReaderOptions`.
import { randomBytes } from 'node:crypto'
import Corestore from 'corestore'
import HyperDHT from 'hyperdht'
import Hyperswarm from 'hyperswarm'
import { given } from './given.js'
import { finished, onCommand, progress, ready, tellTime, tellTimes } from './line.js'

// As the product cuts attachments, so that the cost of a block is the same.
const SMALL_BLOCK_BYTES = 16_384
const BLOCK_BYTES = 65_536
const MOST_SMALL_BYTES = 4 * 1024 * 1024

const { dir, dht, key, backlog, sizeBytes, isLive, until } = given
const store = new Corestore(dir)
await store.ready()
const swarm = new Hyperswarm({ dht: new HyperDHT({ bootstrap: [dht] }) })
swarm.on('connection', (connection) => {
  connection.on('error', () => undefined)
  store.replicate(connection)
})

if (key !== undefined) {
  const core = store.get({ key })
  await core.ready()
  const join = () => {
    swarm.join(core.discoveryKey)
    core.download({ start: 0, end: -1 })
  }
  if (isLive) {
    join()
    if (core.peers.length === 0) await new Promise((resolve) => core.once('peer-add', resolve))
  }
  onCommand('begin', () => {
    if (!isLive) join()
    if (until === 'times') tellTimes(core)
    else if (until === 'newest') void newest(core)
    else everything(core)
  })
  ready({})
} else {
  const core = store.get({ name: 'newsletter' })
  await core.ready()
  for (let i = 0; i < backlog.issues; i++) await core.append(blocks(backlog.sizeBytes))
  onCommand('publish', () => {
    if (sizeBytes < BLOCK_BYTES) tellTime()
    void core.append(blocks(sizeBytes))
  })
  await swarm.join(core.discoveryKey).flushed()
  ready({ key: core.id })
}

function everything(core) {
  const told = progress()
  const before = core.length
  core.on('download', (_, bytes) => {
    told.add(bytes)
    if (core.length > before && core.contiguousLength === core.length) finished(told)
  })
}

async function newest(core) {
  const told = progress()
  core.on('download', (_, bytes) => told.add(bytes))
  if (core.length === 0) await new Promise((resolve) => core.once('append', resolve))
  const first = core.length - lengthsOf(sizeBytes).length
  const wanted = Array.from({ length: core.length - first }, (_, i) => core.get(first + i))
  await Promise.all(wanted)
  finished(told)
}

function blocks(bytes) {
  return lengthsOf(bytes).map((it) => randomBytes(it))
}

function lengthsOf(bytes) {
  const most = bytes <= MOST_SMALL_BYTES ? SMALL_BLOCK_BYTES : BLOCK_BYTES
  return Array.from({ length: Math.ceil(bytes / most) }, (_, i) => Math.min(most, bytes - i * most))
}
