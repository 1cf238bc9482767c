// The least that can seed one core: what the stack itself keeps in memory. JavaScript, because a
// loader for TypeScript would be counted too.
import Corestore from 'corestore'
import HyperDHT from 'hyperdht'
import Hyperswarm from 'hyperswarm'

const [dir, bootstrap] = process.argv.slice(2)
const store = new Corestore(dir)
const core = store.get({ name: 'archive' })
await core.ready()
const swarm = new Hyperswarm({ dht: new HyperDHT({ bootstrap: [bootstrap], host: '127.0.0.1' }) })
swarm.on('connection', (connection) => {
  connection.on('error', () => {})
  store.replicate(connection)
})
swarm.join(core.discoveryKey, { server: true, client: true })
process.stdout.write('{"ready":true}\n')
process.once('SIGTERM', () => {
  swarm
    .destroy({ force: true })
    .then(() => store.close())
    .catch(() => {})
})
