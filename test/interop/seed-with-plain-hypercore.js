// Keeps a newsletter alive knowing only its feed key, and nothing of what a newsletter is. Prints
// `held <length>` whenever everything is here.
//   node seed-with-plain-hypercore.js <bootstrap host:port> <feed key> <directory>
import { once } from 'node:events'
import Corestore from 'corestore'
import HyperDHT from 'hyperdht'
import Hyperswarm from 'hyperswarm'

const [bootstrap, key, directory] = process.argv.slice(2)
const store = new Corestore(directory)
const swarm = new Hyperswarm({ dht: new HyperDHT({ bootstrap: [bootstrap], host: '127.0.0.1' }) })
swarm.on('connection', (connection) => store.replicate(connection).on('error', () => undefined))

const core = store.get({ key })
await core.ready()
swarm.join(core.discoveryKey)
if (core.length === 0) await once(core, 'append')

for (;;) {
  const { length } = core
  await core.download({ start: 0, end: length }).done()
  if (core.contiguousLength >= length) console.log(`held ${length}`)
  if (core.length === length) await once(core, 'append')
}
