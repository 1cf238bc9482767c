import type { Connection } from 'hyperswarm'
import { hex } from '../../hex.ts'
import type { ProtocolPeer } from '../../peers/peer-protocol.ts'
import type { RoomMessage } from '../../peers/web/room-message.ts'
import { waitUntil } from '../../async.ts'
import type { MessageSocket } from '../../peers/web/socket-stream.ts'

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

/** How long addresses of this tab are looked for before those that were found are told. */
const GATHERING_MS = 2_000

export type DataChannel = MessageSocket & { binaryType: string }

interface Description {
  readonly type: 'offer' | 'answer'
  readonly sdp: string
}

/** What is used of `RTCPeerConnection`. */
interface PeerConnection {
  readonly iceGatheringState: string
  readonly localDescription: Description | null
  createDataChannel(label: string): DataChannel
  setLocalDescription(): Promise<void>
  setRemoteDescription(description: Description): Promise<void>
  addEventListener(
    type: 'datachannel',
    listener: (event: { readonly channel: DataChannel }) => void,
  ): void
  close(): void
}

type Constructor = new (options: { iceServers?: { urls: string[] }[] }) => PeerConnection

/** @param stuns addresses that tell from where this tab is seen, `stun:…`. @returns undefined where the browser has none. */
export function openPeerConnection(stuns: readonly string[]): PeerConnection | undefined {
  const { RTCPeerConnection: Rtc } = globalThis as { readonly RTCPeerConnection?: Constructor }
  return Rtc && new Rtc(stuns.length === 0 ? {} : { iceServers: [{ urls: [...stuns] }] })
}

/** Sets and gives the description of this side: an offer, or the answer to one that was set. */
export async function describeHere(connection: PeerConnection): Promise<string> {
  await connection.setLocalDescription()
  const isGathered = () => connection.iceGatheringState === 'complete'
  await waitUntil(isGathered, { timeoutMs: GATHERING_MS })
  return connection.localDescription?.sdp ?? ''
}

/** Whether a description names an address at all. */
export function isReachable(sdp: string): boolean {
  return sdp.includes('a=candidate:')
}

/** Bytes read between two acknowledgements. The other side sends a few times as many unacknowledged at most. */
const TELL_EVERY_BYTES = 64 * 1024

/** More than an honest tab sends before it is told. */
const MAX_UNTOLD_BYTES = 1024 * 1024

/** What carries the bytes of a `RelaySocket`. */
interface RelayCarrier {
  /** @param taken bytes of the other side that were read so far. */
  readonly send: (taken: number, bytes: Uint8Array) => void
  readonly leave: () => void
}

/** A socket to another tab that goes by way of a gateway: what was sent and not read there counts as not sent. */
export class RelaySocket implements MessageSocket {
  readonly readyState = 'open'
  readonly #relay: RelayCarrier
  readonly #onMessage: ((event: { readonly data: unknown }) => void)[] = []
  readonly #onClose: (() => void)[] = []
  #sent = 0
  #takenThere = 0
  #taken = 0
  #told = 0
  #isPaused = false
  #isClosed = false

  constructor(relay: RelayCarrier) {
    this.#relay = relay
  }

  get bufferedAmount(): number {
    return this.#sent - this.#takenThere
  }

  addEventListener(type: string, listener: (event: { readonly data: unknown }) => void): void {
    if (type === 'message') this.#onMessage.push(listener)
    if (type === 'close') this.#onClose.push(listener as () => void)
  }

  send(bytes: Uint8Array<ArrayBuffer>): void {
    this.#sent += bytes.byteLength
    this.#told = this.#taken
    this.#relay.send(this.#taken, bytes)
  }

  /** The gateway brought this. */
  receive(taken: number, bytes: Uint8Array): void {
    this.#takenThere = Math.min(Math.max(taken, this.#takenThere), this.#sent)
    this.#taken += bytes.byteLength
    if (this.#taken - this.#told > MAX_UNTOLD_BYTES) this.close()
    else for (const it of this.#onMessage) it({ data: bytes })
    this.#tell()
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    this.#tell()
  }

  close(): void {
    if (!this.#isClosed) this.#relay.leave()
    this.left()
  }

  /** The other side, or the gateway, has ended it. */
  left(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    for (const it of this.#onClose) it()
  }

  #tell(): void {
    if (this.#isPaused || this.#isClosed || this.#taken - this.#told < TELL_EVERY_BYTES) return
    this.#told = this.#taken
    this.#relay.send(this.#taken, new Uint8Array())
  }
}
