import type { Config } from '../config/config.ts'
import { ReannouncingDht } from './topics/reannouncing-dht.ts'

/**
 * A node of the DHT, which begins to find its way at once. A network that is given it closes it; else whoever
 * opened it does, with `destroy`.
 */
export function openDht({
  bootstrap,
  host,
  udpPort,
}: Pick<Config, 'bootstrap' | 'host' | 'udpPort'>): ReannouncingDht {
  return new ReannouncingDht({
    ...(bootstrap === undefined ? {} : { bootstrap }),
    ...(host === undefined ? {} : { host }),
    ...(udpPort === undefined ? {} : { port: udpPort }),
    // No firewall stands between peers of one machine, and punching holes in none mostly fails.
    ...(host?.startsWith('127.') === true ? { firewalled: false } : {}),
  })
}

export type { ReannouncingDht as Dht }
