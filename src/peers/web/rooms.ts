import Protomux from 'protomux'
import { hex } from '../../hex.ts'
import { RateLimiter } from '../../rate-limiter.ts'
import { isReplicating, PeerProtocol, type OnMisdeed, type ProtocolPeer } from '../peer-protocol.ts'
import {
  MAX_NAMED,
  MAX_ROOM_BYTES,
  ROOMS,
  roomEncoding,
  type Relay,
  type RoomMessage,
} from './room-message.ts'

/** Tabs in one room; those beyond hear of nobody. */
const MAX_IN_ROOM = 128

/** What the messages of one tab may cost: a relayed one is 1. What exceeds it is dropped. */
const RATE = { perSecond: 1_024, burst: 2_048 }
const SIGNAL_COST = 32
const JOIN_COST = 256

/** Bytes that one tab sends to others by way of the gateway. Honest tabs send no faster. */
const RELAYED = { perSecond: 262_144, burst: 1_048_576 }

/** The same in all, as long as it is connected. */
const MAX_RELAYED_BYTES_OF_TAB = 67_108_864

/** Tabs to which one tab is connected by way of the gateway. */
const MAX_RELAYS = 8

/** Relayed bytes for a tab that it has not read: more than a window for each of its relays. */
const MAX_UNREAD_BYTES = 4_194_304

interface Guest {
  /** In hex; undefined before it joined. */
  room: string | undefined
  readonly relayed: RateLimiter
  relayedBytes: number
  /** Keys in hex of those that it is connected to by way of the gateway. */
  readonly partners: Set<string>
  /** Relayed to it since its connection was last drained. */
  unreadBytes: number
}

type Tab = ProtocolPeer<RoomMessage, Guest>

export interface RoomsOptions {
  /** UDP port at which STUN is answered; none when absent. */
  readonly stunPort?: number | undefined
  readonly onMisdeed: OnMisdeed
}

/**
 * Introduces tabs that replicate the same newsletter to each other, passes on what they say to connect, and their bytes
 * where they cannot. It keeps no message: what is for a tab that is not there is dropped.
 */
export class Rooms {
  readonly #stunPort: number
  readonly #protocol: PeerProtocol<RoomMessage, Guest>
  /** Discovery key in hex → who is there. */
  readonly #rooms = new Map<string, Set<Tab>>()
  #relayedBytes = 0

  constructor({ stunPort = 0, onMisdeed }: RoomsOptions) {
    this.#stunPort = stunPort
    this.#protocol = new PeerProtocol<RoomMessage, Guest>({
      protocol: ROOMS,
      encoding: roomEncoding,
      maxBytes: MAX_ROOM_BYTES,
      rate: RATE,
      costOf: ({ kind }) => (kind === 'join' ? JOIN_COST : kind === 'signal' ? SIGNAL_COST : 1),
      newState: () => ({
        room: undefined,
        relayed: new RateLimiter(RELAYED),
        relayedBytes: 0,
        partners: new Set(),
        unreadBytes: 0,
      }),
      onMessage: (message, tab) => this.#onMessage(message, tab),
      // Of a stream that lacks a part, nothing is left.
      onFlood: (tab) => this.#endRelays(tab),
      onMisdeed,
    })
  }

  /** Bytes that went from tab to tab by way of this gateway. */
  get relayedBytes(): number {
    return this.#relayedBytes
  }

  attach(mux: Protomux): void {
    const tab = this.#protocol.attach(mux)
    tab?.connection.once('close', () => {
      this.#leaveRoom(tab)
      this.#endRelays(tab)
    })
  }

  #onMessage(message: RoomMessage, tab: Tab): void {
    if (message.kind === 'join') this.#onJoin(message.topic, tab)
    if (message.kind === 'signal') {
      this.#companion(tab, message.id)?.send({ ...message, id: tab.publicKey })
    }
    if (message.kind === 'relay') this.#onRelay(message, tab)
    if (message.kind === 'leave') this.#endRelay(tab, message.id, { isTold: false })
  }

  #onJoin(topic: Uint8Array, tab: Tab): void {
    if (!isReplicating(Protomux.from(tab.connection), topic)) return
    const name = hex(topic)
    const room = this.#rooms.get(name) ?? new Set()
    if (tab.state.room !== name) {
      this.#leaveRoom(tab)
      this.#endRelays(tab)
    }
    const isFull = room.size >= MAX_IN_ROOM && !room.has(tab)
    if (!isFull) {
      tab.state.room = name
      this.#rooms.set(name, room.add(tab))
    }
    const others = isFull ? [] : [...room].filter((it) => it !== tab)
    const ids = drawn(others, MAX_NAMED).map((it) => it.publicKey)
    tab.send({ kind: 'named', topic, stunPort: this.#stunPort, ids })
  }

  #onRelay({ id, taken, bytes }: Relay, tab: Tab): void {
    const other = this.#companion(tab, id)
    const { state } = tab
    const isPartner = state.partners.has(hex(id))
    const { byteLength } = bytes
    const mayBegin =
      isPartner ||
      (byteLength > 0 &&
        state.partners.size < MAX_RELAYS &&
        (other?.state.partners.size ?? MAX_RELAYS) < MAX_RELAYS)
    const isAllowed =
      other !== undefined &&
      mayBegin &&
      state.relayedBytes + byteLength <= MAX_RELAYED_BYTES_OF_TAB &&
      other.state.unreadBytes + byteLength <= MAX_UNREAD_BYTES &&
      state.relayed.take(byteLength)
    if (!isAllowed) {
      this.#endRelay(tab, id, { isTold: true })
      return
    }
    state.partners.add(hex(id))
    other.state.partners.add(hex(tab.publicKey))
    state.relayedBytes += byteLength
    this.#relayedBytes += byteLength
    other.send({ kind: 'relay', id: tab.publicKey, taken, bytes })
    if (other.state.unreadBytes === 0) {
      void other.drained().then(() => (other.state.unreadBytes = 0))
    }
    other.state.unreadBytes += byteLength
  }

  #endRelay(tab: Tab, id: Uint8Array, { isTold }: { readonly isTold: boolean }): void {
    if (isTold) tab.send({ kind: 'leave', id })
    if (!tab.state.partners.delete(hex(id))) return
    const other = this.#protocol.get(id)
    if (other?.state.partners.delete(hex(tab.publicKey)) !== true) return
    other.send({ kind: 'leave', id: tab.publicKey })
  }

  #endRelays(tab: Tab): void {
    for (const it of tab.state.partners) {
      this.#endRelay(tab, Buffer.from(it, 'hex'), { isTold: true })
    }
  }

  #leaveRoom(tab: Tab): void {
    const { room: name = '' } = tab.state
    const room = this.#rooms.get(name)
    room?.delete(tab)
    if (room?.size === 0) this.#rooms.delete(name)
    tab.state.room = undefined
  }

  /** The tab with this key, if it is in the same room. */
  #companion(tab: Tab, id: Uint8Array): Tab | undefined {
    const other = this.#protocol.get(id)
    const { room } = tab.state
    return room !== undefined && other !== tab && other?.state.room === room ? other : undefined
  }
}

/** Some of all, each as likely as any. */
function drawn<T>(all: T[], most: number): T[] {
  for (let i = 0; i < Math.min(most, all.length); i++) {
    const other = i + Math.floor(Math.random() * (all.length - i))
    const [a, b] = [all[i], all[other]]
    if (a === undefined || b === undefined) break
    all[i] = b
    all[other] = a
  }
  return all.slice(0, most)
}
