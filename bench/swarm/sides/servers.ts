import { join } from 'node:path'
import { Lab } from '../lab.ts'
import type { LineProcess } from '../lines.ts'
import { filesOf, type Side } from './side.ts'
import { startPeer } from './start.ts'

/** Everybody fetches from the publisher, whose address is known, over one connection. */
export const http = httpOver('HTTP', 1)

/** The same over so many connections as a browser would not open. */
export const httpOver20 = httpOver('HTTP, 20 connections', 20)

export const rsync: Side = {
  name: 'rsync',
  open: async ({ lab, dir }, offer) => {
    const start = (address: string, given: object) =>
      begun(startPeer(lab, address, 'rsync.js', { dir: join(dir, address), ...given }))
    const served = { address: Lab.publisher, ...filesOf(offer) }
    return {
      publisher: await start(Lab.publisher, served),
      reader: (place) => start(Lab.reader(place), { from: Lab.publisher }),
      meshMs: 0,
    }
  },
}

/** No more than the way itself. */
export const tcp: Side = {
  name: 'TCP',
  open: async ({ lab }, { sizeBytes }) => {
    const start = (address: string, given: object) =>
      begun(startPeer(lab, address, 'tcp.js', { sizeBytes, ...given }))
    return {
      publisher: await start(Lab.publisher, { address: Lab.publisher }),
      reader: (place) => start(Lab.reader(place), { from: Lab.publisher }),
      meshMs: 0,
    }
  },
}

function httpOver(name: string, connections: number): Side {
  return {
    name,
    open: async ({ lab }, offer) => {
      const { files, sizeBytes } = filesOf(offer)
      const start = (address: string, given: object) =>
        begun(startPeer(lab, address, 'http.js', given))
      return {
        publisher: await start(Lab.publisher, { address: Lab.publisher, sizeBytes }),
        reader: (place, { until }) =>
          start(Lab.reader(place), {
            from: Lab.publisher,
            files: until === 'newest' ? 1 : files,
            connections,
          }),
        meshMs: 0,
      }
    },
  }
}

async function begun(child: LineProcess): Promise<LineProcess> {
  await child.next()
  return child
}
