import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Lab } from './lab.ts'
import type { LineProcess } from './lines.ts'

/** What one reader tells when it has everything. */
export interface Told {
  /** Milliseconds since it began, and bytes that had arrived. */
  readonly points: readonly (readonly [number, number])[]
  readonly cpuMs: number
  readonly memoryBytes: number
}

/** A publisher and readers that wait for what it will publish. */
export interface Row {
  readonly name: string
  /** Starts everybody; whoever asked closes the lab. */
  readonly open: (setting: Setting) => Promise<Crew>
}

export interface Setting {
  readonly lab: Lab
  readonly readers: number
  readonly sizeBytes: number
  /** Empty, and removed afterwards. */
  readonly dir: string
}

export interface Crew {
  readonly publisher: LineProcess
  readonly readers: readonly LineProcess[]
}

const PEERS = new URL('peers/', import.meta.url)
const LAUNCHER = fileURLToPath(new URL('../../bin/hyperletter.js', import.meta.url))
const DHT_PORT = '49737'

/** Longer than it takes that readers who came together know each other. */
const MESH_MS = 6_000

export const ROWS: readonly Row[] = [
  { name: 'HTTP', open: openHttp },
  { name: 'BitTorrent', open: openBitTorrent },
  { name: 'Hypercore', open: (it) => openOnDht(it, node('plain.js'), 'key') },
  { name: 'Hyperletter', open: (it) => openOnDht(it, node('hyperletter.ts'), 'link') },
]

async function openHttp({ lab, readers, sizeBytes }: Setting): Promise<Crew> {
  const serve = [...node('http.js'), 'serve', Lab.publisher, `${sizeBytes}`]
  const publisher = lab.start(Lab.publisher, serve)
  await publisher.next()
  const all = places(readers).map((place) =>
    lab.start(Lab.reader(place), [...node('http.js'), 'get', Lab.publisher]),
  )
  await Promise.all(all.map((it) => it.next()))
  return { publisher, readers: all }
}

async function openBitTorrent({ lab, readers, sizeBytes, dir }: Setting): Promise<Crew> {
  const torrent = join(dir, 'issue.torrent')
  const peer = (address: string, ...rest: string[]) =>
    lab.start(address, [
      '/usr/bin/python3',
      fileURLToPath(new URL('bittorrent.py', PEERS)),
      join(dir, address),
      address,
      torrent,
      ...rest,
    ])
  const publisher = peer(Lab.publisher, 'seed', `${sizeBytes}`)
  await publisher.next()
  const addresses = [Lab.publisher, ...places(readers).map((place) => Lab.reader(place))]
  const all = addresses.slice(1).map((own) => peer(own, ...addresses.filter((it) => it !== own)))
  await Promise.all(all.map((it) => it.next()))
  return { publisher, readers: all }
}

async function openOnDht(
  { lab, readers, sizeBytes, dir }: Setting,
  peer: readonly string[],
  link: 'key' | 'link',
): Promise<Crew> {
  const dht = ['dht', '--host', Lab.dht, '--port', DHT_PORT, '--json', '--quiet']
  await lab.start(Lab.dht, [process.execPath, LAUNCHER, ...dht]).next()
  const contact = link === 'key' ? [Lab.dht, DHT_PORT] : [`${Lab.dht}:${DHT_PORT}`]
  const start = (address: string, ...rest: string[]) =>
    lab.start(address, [...peer, join(dir, address), ...contact, ...rest])
  const publisher = start(Lab.publisher, `${sizeBytes}`)
  const facts = JSON.parse((await publisher.next()).line) as Record<string, string>
  const all = places(readers).map((place) => start(Lab.reader(place), link, facts[link] ?? ''))
  await Promise.all(all.map((it) => it.next()))
  await new Promise((resolve) => setTimeout(resolve, MESH_MS))
  return { publisher, readers: all }
}

function node(script: string): string[] {
  const loader = script.endsWith('.ts') ? ['--import', 'tsx'] : []
  return [process.execPath, ...loader, fileURLToPath(new URL(script, PEERS))]
}

function places(readers: number): number[] {
  return Array.from({ length: readers }, (_, place) => place)
}
