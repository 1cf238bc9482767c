// Peers that know a newsletter and send of Hypercore's messages what they can, as fast as they can, each under a new
// key when it is banned, until the process is killed:
//   hostile-process.ts <bootstrap host:port> <feed key> <kind,…> <folder>   prints "<kind> begins" for each
import { join } from 'node:path'
import { mkdtemp } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import Corestore from 'corestore'
import type { Peer } from 'hypercore'
import HyperDHT from 'hyperdht'
import Hyperswarm from 'hyperswarm'
import { keyBytes, parseFeedKey } from '../../src/format/keys/feed-key.ts'
import { FLOODS, type FloodName, type Wire } from './floods.ts'

const [bootstrap = '', feedKey = '', kinds = '', folder = ''] = process.argv.slice(2)
const [host = '', port = ''] = bootstrap.split(':')

async function attack(kind: FloodName): Promise<void> {
  const store = new Corestore(await mkdtemp(join(folder, 'hostile-')))
  const core = store.get({ key: keyBytes(parseFeedKey(feedKey)) })
  await core.ready()
  core.download({ start: 0, end: -1 })
  core.on('peer-add', (peer) => void flood(kind, peer as Peer & Wire).catch(() => undefined))
  for (;;) {
    const dht = new HyperDHT({ bootstrap: [{ host, port: Number(port) }], host: '127.0.0.1' })
    const swarm = new Hyperswarm({ dht })
    const ended = new Set<unknown>()
    swarm.on('connection', (connection) => {
      connection.on('error', () => undefined)
      connection.on('close', () => ended.add(connection))
      store.replicate(connection)
    })
    swarm.join(core.discoveryKey as Buffer)
    // Three times is enough to be banned.
    for (let waited = 0; ended.size < 3 && waited < 100; waited++) await setTimeout(100)
    await swarm.destroy({ force: true })
  }
}

async function flood(kind: FloodName, peer: Peer & Wire): Promise<void> {
  while (peer.remoteLength === 0) await setTimeout(10)
  process.stdout.write(`${kind} begins\n`)
  const { send, perFrame } = FLOODS[kind]
  while (!peer.removed) {
    // One frame, which the other side works off in one piece.
    peer.protomux.cork()
    for (let i = 0; i < perFrame; i++) send(peer, i)
    peer.protomux.uncork()
    while (!peer.protomux.drained && !peer.removed) await setTimeout(5)
    await setTimeout(1)
  }
}

await Promise.all(kinds.split(',').map((it) => attack(it as FloodName)))
