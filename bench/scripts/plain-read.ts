// The same with plain hypercore and hyperswarm, and only one of the two at a time: the newest issue
// alone, or all blocks alone. So neither waits for the other.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { gunzipSync } from 'node:zlib'
import Corestore from 'corestore'
import HyperDHT from 'hyperdht'
import Hyperswarm from 'hyperswarm'
import { printResult, scriptInput } from '../product.ts'

interface Input {
  readonly dir: string
  readonly bootstrap: string
  readonly feedKey: string
  readonly want: 'newest' | 'whole'
}

const { dir, bootstrap, feedKey, want } = scriptInput() as Input

const start = performance.now()
const store = new Corestore(dir)
const core = store.get({ key: feedKey })
await core.ready()
const dht = new HyperDHT({ bootstrap: [bootstrap], host: '127.0.0.1' })
const swarm = new Hyperswarm({ dht })
swarm.on('connection', (connection) => {
  connection.on('error', () => {})
  store.replicate(connection)
})
if (core.discoveryKey === null) throw new Error('The core is not open.')
swarm.join(core.discoveryKey, { server: true, client: true })
if (core.length === 0) await once(core, 'append')
const hash = want === 'newest' ? await readNewest() : await downloadAll()
const ms = performance.now() - start

await swarm.destroy()
await store.close()
printResult({ ms, hash })

async function readNewest(): Promise<string> {
  const record = await core.get(core.length - 1)
  const { body } = JSON.parse(String(record)) as {
    body: { block: number; blocks: number; encoding?: string }
  }
  const indexes = Array.from({ length: body.blocks }, (_, i) => body.block + i)
  const stored = Buffer.concat(
    (await Promise.all(indexes.map((index) => core.get(index)))).map((it) => it ?? Buffer.alloc(0)),
  )
  const text = (body.encoding === 'gzip' ? gunzipSync(stored) : stored).toString('utf8')
  return createHash('sha256').update(text).digest('hex')
}

async function downloadAll(): Promise<string> {
  await core.download({ start: 0, end: core.length }).done()
  if (core.contiguousLength !== core.length) throw new Error('The download ended early.')
  return ''
}
