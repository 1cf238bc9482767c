import { waitUntil } from '../../async.ts'
import type { MessageSocket } from '../../peers/web/socket-stream.ts'

/** How long addresses of this tab are looked for before those that were found are told. */
const GATHERING_MS = 2_000

export type DataChannel = MessageSocket & { binaryType: string }

interface Description {
  readonly type: 'offer' | 'answer'
  readonly sdp: string
}

/** What is used of `RTCPeerConnection`. */
export interface PeerConnection {
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
