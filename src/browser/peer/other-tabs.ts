import type { Connection } from 'hyperswarm'
import Protomux from 'protomux'
import { hex } from '../../hex.ts'
import { isReplicating, PeerProtocol } from '../../peers/peer-protocol.ts'
import {
  ANSWER,
  MAX_ROOM_BYTES,
  MAX_SIGNAL_BYTES,
  OFFER,
  roomEncoding,
  ROOMS,
  type Named,
  type Relay,
  type RoomMessage,
  type Signal,
} from '../../peers/web/room-message.ts'
import type { MessageSocket } from '../../peers/web/socket-stream.ts'
import { connect, onWrongBlock, type Shared } from './connection.ts'
import {
  RelaySocket,
  newTabLink,
  type GatewayPeer,
  type GatewayState,
  type TabLink,
  describeHere,
  isReachable,
  openPeerConnection,
  type DataChannel,
} from './tab-link.ts'

/** Tabs that this one dials, and as many that dial it. */
const MOST = 4

const LOOK_EVERY_MS = 500

const ASK_EVERY_MS = 30_000

/** For one way to a tab, until it has proved its key; and for all ways. */
const CONNECTING_MS = 8_000
const GIVING_UP_MS = 20_000

/** After a connection that ended, or never began. */
const PAUSE_MS = 30_000

/** Tabs that are remembered. */
const MAX_ASIDE = 1_000

/** Messages of a gateway that are read. */
const RATE = { perSecond: 2_048, burst: 4_096 }

/**
 * The connections of a tab to other tabs with the same newsletter: direct ones, which stay when every gateway is gone, or by way
 * of the gateway that introduced them. Each proves the key by which it was introduced.
 */
export class OtherTabs {
  readonly #shared: Shared
  readonly #onChange: () => void
  readonly #id: string
  readonly #gateways: PeerProtocol<RoomMessage, GatewayState>
  readonly #links = new Map<string, TabLink>()
  /** Key in hex → when it may be dialed, by `performance.now`; never, if it sent what was not signed. */
  readonly #aside = new Map<string, number>()
  readonly #stop: () => void
  readonly #timer: ReturnType<typeof setInterval>

  /** @param onChange called when there are more or fewer connections. */
  constructor(shared: Shared, onChange: () => void) {
    this.#shared = shared
    this.#onChange = onChange
    this.#id = hex(shared.keyPair.publicKey)
    this.#gateways = new PeerProtocol<RoomMessage, GatewayState>({
      protocol: ROOMS,
      encoding: roomEncoding,
      maxBytes: MAX_ROOM_BYTES,
      rate: RATE,
      newState: () => ({ host: '', stun: undefined, askedAt: -Infinity }),
      onMessage: (message, gateway) => this.#onMessage(message, gateway),
      onMisdeed: () => undefined,
    })
    this.#stop = onWrongBlock(shared.log, (publicKey) => this.#refuse(hex(publicKey)))
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS)
  }

  get connected(): number {
    return [...this.#links.values()].filter((it) => it.isOpen).length
  }

  /** Has a gateway introduce this tab to others. @param address of its WebSocket. */
  meetAt(connection: Connection, address: string): void {
    const gateway = this.#gateways.attach(Protomux.from(connection))
    if (gateway !== undefined) gateway.state.host = new URL(address).hostname
  }

  close(): void {
    clearInterval(this.#timer)
    this.#stop()
    this.#gateways.close()
    for (const it of this.#links.values()) this.#end(it)
  }

  #look(): void {
    const now = performance.now()
    for (const { connection, state, send } of this.#gateways) {
      const isDue = now - state.askedAt > ASK_EVERY_MS
      if (!isDue || !isReplicating(Protomux.from(connection))) continue
      state.askedAt = now
      send({ kind: 'join', topic: this.#shared.log.discoveryKey })
    }
    for (const it of this.#links.values()) {
      if (!it.isOpen && now - it.since > GIVING_UP_MS) this.#end(it)
    }
  }

  #onMessage(message: RoomMessage, gateway: GatewayPeer): void {
    if (message.kind === 'named') this.#onNamed(message, gateway)
    if (message.kind === 'signal') this.#onSignal(message, gateway)
    if (message.kind === 'relay') this.#onRelay(message, gateway)
    if (message.kind === 'leave') {
      const link = this.#links.get(hex(message.id))
      if (link?.gateway === gateway) link.relay?.left()
    }
  }

  #onNamed({ ids, stunPort }: Named, gateway: GatewayPeer): void {
    const { state } = gateway
    state.stun = stunPort > 0 && stunPort < 65_536 ? `stun:${state.host}:${stunPort}` : undefined
    for (const key of ids) {
      const id = hex(key)
      const notBefore = this.#aside.get(id) ?? -Infinity
      if (id === this.#id || this.#links.has(id) || notBefore > performance.now()) continue
      const link = this.#begin(key, gateway, true)
      if (link !== undefined) void this.#dial(link)
    }
  }

  #onSignal({ id: key, what, sdp: bytes }: Signal, gateway: GatewayPeer): void {
    const sdp = new TextDecoder().decode(bytes)
    const link = this.#links.get(hex(key))
    if (what === OFFER) {
      const called = this.#called(key, gateway)
      if (called !== undefined) void this.#answer(called, sdp)
    } else if (what === ANSWER && link?.gateway === gateway && link.isDialed && !link.isAnswered) {
      link.isAnswered = true
      if (!isReachable(sdp)) this.#relay(link)
      else link.direct?.setRemoteDescription({ type: 'answer', sdp }).catch(() => this.#end(link))
    }
  }

  #onRelay({ id: key, taken, bytes }: Relay, gateway: GatewayPeer): void {
    let link = this.#links.get(hex(key))
    if (link?.relay === undefined && bytes.byteLength > 0) {
      link = this.#called(key, gateway)
      if (link !== undefined) this.#relay(link)
    }
    if (link?.relay === undefined || link.gateway !== gateway) {
      gateway.send({ kind: 'leave', id: key })
    } else link.relay.receive(taken, bytes)
  }

  #begin(key: Uint8Array, gateway: GatewayPeer, isDialed: boolean): TabLink | undefined {
    const alike = [...this.#links.values()].filter((it) => it.isDialed === isDialed)
    if (alike.length >= MOST) return undefined
    const link = newTabLink(key, gateway, isDialed)
    this.#links.set(link.id, link)
    return link
  }

  /** Somebody calls. Of two that call each other at the same time, the one with the smaller key goes on. */
  #called(key: Uint8Array, gateway: GatewayPeer): TabLink | undefined {
    const id = hex(key)
    const before = this.#links.get(id)
    const isOurs = before !== undefined && (before.isOpen || (before.isDialed && id > this.#id))
    if (isOurs || id === this.#id || this.#aside.get(id) === Infinity) return undefined
    if (before !== undefined) this.#end(before)
    return this.#begin(key, gateway, false)
  }

  async #dial(link: TabLink): Promise<void> {
    try {
      link.direct = openPeerConnection(this.#stuns())
      const channel = link.direct?.createDataChannel('')
      const sdp = link.direct === undefined ? '' : await describeHere(link.direct)
      if (!this.#isCurrent(link)) return
      if (channel !== undefined && isReachable(sdp) && this.#signal(link, OFFER, sdp)) {
        this.#replicate(link, channel)
      } else this.#relay(link)
    } catch {
      this.#end(link)
    }
  }

  async #answer(link: TabLink, sdp: string): Promise<void> {
    try {
      const direct = openPeerConnection(this.#stuns())
      link.direct = direct
      direct?.addEventListener('datachannel', ({ channel }) => {
        if (this.#isCurrent(link) && link.connection === undefined) this.#replicate(link, channel)
      })
      await direct?.setRemoteDescription({ type: 'offer', sdp })
      const here = direct === undefined ? '' : await describeHere(direct)
      if (this.#isCurrent(link)) this.#signal(link, ANSWER, here)
    } catch {
      this.#end(link)
    }
  }

  /** Gives whether it can be sent. */
  #signal({ gateway, key }: TabLink, what: number, text: string): boolean {
    const sdp = new TextEncoder().encode(text)
    if (sdp.byteLength > MAX_SIGNAL_BYTES) return false
    gateway.send({ kind: 'signal', id: key, what, sdp })
    return true
  }

  /** Nothing leads there directly. */
  #relay(link: TabLink): void {
    const { gateway, key: id, direct, connection } = link
    link.relay = new RelaySocket({
      send: (taken, bytes) => gateway.send({ kind: 'relay', id, taken, bytes }),
      leave: () => gateway.send({ kind: 'leave', id }),
    })
    link.direct = undefined
    link.connection = undefined
    connection?.destroy()
    direct?.close()
    this.#replicate(link, link.relay)
  }

  #replicate(link: TabLink, socket: MessageSocket | DataChannel): void {
    if ('binaryType' in socket) socket.binaryType = 'arraybuffer'
    const connection = connect(socket, {
      ...this.#shared,
      isInitiator: link.isDialed,
      deadlineMs: CONNECTING_MS,
      onOpen: ({ remotePublicKey }) => {
        link.isOpen = this.#isCurrent(link) && hex(remotePublicKey) === link.id
        this.#onChange()
        return link.isOpen
      },
      onClose: () => {
        if (link.connection !== connection) return
        const isTried = link.isOpen || link.relay !== undefined
        if (!isTried && link.isDialed && link.isAnswered && this.#isCurrent(link)) this.#relay(link)
        else this.#end(link)
      },
      onMisdeed: () => this.#refuse(link.id),
    })
    link.connection = connection
  }

  #refuse(id: string): void {
    const link = this.#links.get(id)
    if (link === undefined) return
    this.#end(link)
    this.#putAside(id, Infinity)
  }

  #end(link: TabLink): void {
    if (!this.#isCurrent(link)) return
    this.#links.delete(link.id)
    link.direct?.close()
    link.connection?.destroy()
    this.#putAside(link.id, performance.now() + PAUSE_MS * (0.5 + Math.random()))
    this.#onChange()
  }

  #putAside(id: string, notBefore: number): void {
    this.#aside.delete(id)
    this.#aside.set(id, notBefore)
    const [oldest] = this.#aside.keys()
    if (this.#aside.size > MAX_ASIDE && oldest !== undefined) this.#aside.delete(oldest)
  }

  #isCurrent(link: TabLink): boolean {
    return this.#links.get(link.id) === link
  }

  #stuns(): string[] {
    return [...this.#gateways].flatMap(({ state }) => state.stun ?? [])
  }
}
