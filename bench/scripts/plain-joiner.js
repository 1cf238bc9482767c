// The naive way to seed many newsletters with the bare stack: open every core of the store, join every
// topic. JavaScript, because a loader for TypeScript would be counted too.
import Corestore from 'corestore'
import HyperDHT from 'hyperdht'
import Hyperswarm from 'hyperswarm'

const [dir, bootstrap] = process.argv.slice(2)
const store = new Corestore(dir)
await store.ready()
const swarm = new Hyperswarm({ dht: new HyperDHT({ bootstrap: [bootstrap], host: '127.0.0.1' }) })
swarm.on('connection', (connection) => {
  connection.on('error', () => {})
  store.replicate(connection)
})
for await (const discoveryKey of store.list()) {
  const core = store.get({ discoveryKey })
  await core.ready()
  core.download({ start: 0, end: -1 })
  swarm.join(discoveryKey, { server: true, client: true })
}
process.stdout.write('{"ready":true}\n')
process.once('SIGTERM', () => {
  swarm
    .destroy()
    .then(() => store.close())
    .catch(() => {})
})
