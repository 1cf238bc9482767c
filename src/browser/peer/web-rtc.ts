import { waitUntil } from '../../async.ts'

/** How long addresses of this tab are looked for before those that were found are told. */
const GATHERING_MS = 2_000

/** @param stuns addresses that tell from where this tab is seen, `stun:…`. @returns undefined where the browser has none. */
export function openPeerConnection(stuns: readonly string[]): RTCPeerConnection | undefined {
  if (!('RTCPeerConnection' in globalThis)) return undefined
  return new RTCPeerConnection(stuns.length === 0 ? {} : { iceServers: [{ urls: [...stuns] }] })
}

/** Sets and gives the description of this side: an offer, or the answer to one that was set. */
export async function describeHere(connection: RTCPeerConnection): Promise<string> {
  await connection.setLocalDescription()
  const isGathered = () => connection.iceGatheringState === 'complete'
  await waitUntil(isGathered, { timeoutMs: GATHERING_MS })
  return connection.localDescription?.sdp ?? ''
}

/** Whether a description names an address at all. */
export function isReachable(sdp: string): boolean {
  return sdp.includes('a=candidate:')
}
