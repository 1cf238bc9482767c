import type { Config } from '../../config/config.ts'

/** Settings that stay as they are while the network is there. */
export const NETWORK_SETTINGS = [
  'bootstrap',
  'host',
  'udpPort',
  'localDiscovery',
  'relayOffer',
  'relayUse',
  'hideAddress',
] as const

/** Settings that can change while the network is there. */
export const NETWORK_LIMITS = [
  'uploadLimit',
  'downloadLimit',
  'maxConnections',
  'pause',
  'allowPeers',
] as const

export type Limits = Pick<Config, (typeof NETWORK_LIMITS)[number]>

/** Paused, there are no connections; then what needs a peer waits for one, as where none is online. */
export function connectionsFor(limits: Limits): Limits {
  return limits.pause ? { ...limits, maxConnections: 0 } : limits
}

/** Whether a peer may have private newsletters. */
export function isAllowed({ allowPeers }: Pick<Limits, 'allowPeers'>, peer: Uint8Array): boolean {
  return allowPeers === undefined || allowPeers.includes(Buffer.from(peer).toString('hex'))
}
