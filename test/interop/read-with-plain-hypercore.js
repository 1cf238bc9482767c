// Reads one issue of a newsletter by docs/format.md alone and prints its Markdown. For a private one the
// encryption key, in hex, comes last.
//   node read-with-plain-hypercore.js <bootstrap host:port> <feed key> <issue number> [<encryption key>]
import { once } from 'node:events'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import Corestore from 'corestore'
import HyperDHT from 'hyperdht'
import Hyperswarm from 'hyperswarm'

const [bootstrap, key, wanted, encryptionKey] = process.argv.slice(2)
const encryption = encryptionKey === undefined ? null : { key: Buffer.from(encryptionKey, 'hex') }
const store = new Corestore(process.env.STORE ?? (await mkdtemp(join(tmpdir(), 'plain-reader-'))))
const swarm = new Hyperswarm({ dht: new HyperDHT({ bootstrap: [bootstrap], host: '127.0.0.1' }) })
swarm.on('connection', (connection) => store.replicate(connection).on('error', () => undefined))

const core = store.get({ key, encryption, allowFork: false })
await core.ready()
swarm.join(core.discoveryKey, { server: false, client: true })
if (core.length === 0) await once(core, 'append')

const recordAt = async (index) => ({ index, ...JSON.parse(await core.get(index)) })
let record = await recordAt(core.length - 1)
while (record.type !== 'issue' || record.number !== Number(wanted)) {
  if (record.previous.length === 0) throw new Error(`No issue ${wanted}`)
  record = await recordAt(record.previous[0])
}

const { block, blocks, bytes, encoding } = record.body
const parts = await Promise.all(Array.from({ length: blocks }, (_, i) => core.get(block + i)))
const stored = Buffer.concat(parts)
const body = encoding === 'gzip' ? gunzipSync(stored, { maxOutputLength: bytes }) : stored
if (body.length !== bytes) throw new Error('The body is not what the record says')
process.stdout.write(body)
await swarm.destroy()
await store.close()
