import { fileURLToPath } from 'node:url'
import { daemonEnvironment, NODE_FLAGS } from '../../../src/daemon/service/definitions.ts'
import type { Lab } from '../lab.ts'
import type { LineProcess } from '../lines.ts'

const PEERS = new URL('../peers/', import.meta.url)

/** Starts a script of `peers/` on one of the machines, with an object that it is given. */
export function startPeer(lab: Lab, address: string, script: string, given: object): LineProcess {
  const file = fileURLToPath(new URL(script, PEERS))
  return lab.start(address, [...programOf(script), file, JSON.stringify(given)])
}

function programOf(script: string): string[] {
  // The one that Debian's libtorrent is made for.
  if (script.endsWith('.py')) return ['/usr/bin/python3']
  if (script !== 'hyperletter.js') return [process.execPath]
  // What runs the product all the time is its daemon.
  const variables = Object.entries(daemonEnvironment()).map((it) => it.join('='))
  return ['/usr/bin/env', ...variables, process.execPath, ...NODE_FLAGS]
}
