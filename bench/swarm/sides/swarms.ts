import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Lab } from '../lab.ts'
import { filesOf, type Side } from './side.ts'
import { startPeer } from './start.ts'

const LAUNCHER = fileURLToPath(new URL('../../../bin/hyperletter.js', import.meta.url))
const DHT_PORT = 49737

const MESH_MS = 6_000

export const bittorrent: Side = {
  name: 'BitTorrent',
  open: async ({ lab, readers, dir }, offer) => {
    const all = Array.from({ length: readers }, (_, place) => Lab.reader(place))
    const start = async (address: string, given: object) => {
      const common = { dir: join(dir, address), address, torrent: join(dir, 'issue.torrent') }
      const child = startPeer(lab, address, 'bittorrent.py', { ...common, ...given })
      await child.next()
      return child
    }
    return {
      publisher: await start(Lab.publisher, filesOf(offer)),
      reader: (place) => {
        const own = Lab.reader(place)
        return start(own, { others: [Lab.publisher, ...all].filter((it) => it !== own) })
      },
      meshMs: 0,
    }
  },
}

/** Hypercore and Hyperswarm as they come. */
export const hypercore = overDht('Hypercore', 'plain.js')

/** The engine of this product. */
export const hyperletter = overDht('Hyperletter', 'hyperletter.js')

function overDht(name: string, script: string): Side {
  return {
    name,
    open: async ({ lab, dir }, offer) => {
      const argv = ['dht', '--host', Lab.dht, '--port', `${DHT_PORT}`, '--json', '--quiet']
      await lab.start(Lab.dht, [process.execPath, LAUNCHER, ...argv]).next()
      const dht = { host: Lab.dht, port: DHT_PORT }
      const start = (address: string, given: object) =>
        startPeer(lab, address, script, { dir: join(dir, address), dht, ...given })
      const publisher = start(Lab.publisher, offer)
      const facts = JSON.parse((await publisher.next()).line) as object
      return {
        publisher,
        reader: async (place, options) => {
          const child = start(Lab.reader(place), { ...offer, ...facts, ...options })
          await child.next()
          return child
        },
        meshMs: MESH_MS,
      }
    },
  }
}
