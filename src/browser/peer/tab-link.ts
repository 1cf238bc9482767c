import type { Connection } from 'hyperswarm'
import { hex } from '../../hex.ts'
import type { ProtocolPeer } from '../../peers/peer-protocol.ts'
import type { RoomMessage } from '../../peers/web/room-message.ts'
import type { RelaySocket } from './relay-socket.ts'
import type { PeerConnection } from './web-rtc.ts'

/** What a tab knows of a gateway that it is connected to. */
export interface GatewayState {
  host: string
  stun: string | undefined
  askedAt: number
}

export type GatewayPeer = ProtocolPeer<RoomMessage, GatewayState>

/** Another tab, and how far it is with the connection to it. */
export interface TabLink {
  readonly key: Uint8Array
  /** The key in hex. */
  readonly id: string
  /** This tab began. */
  readonly isDialed: boolean
  readonly gateway: GatewayPeer
  readonly since: number
  direct: PeerConnection | undefined
  relay: RelaySocket | undefined
  connection: Connection | undefined
  isAnswered: boolean
  isOpen: boolean
}

export function newTabLink(key: Uint8Array, gateway: GatewayPeer, isDialed: boolean): TabLink {
  return {
    key,
    id: hex(key),
    isDialed,
    gateway,
    since: performance.now(),
    direct: undefined,
    relay: undefined,
    connection: undefined,
    isAnswered: false,
    isOpen: false,
  }
}
