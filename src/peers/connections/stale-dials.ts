import type HyperDHT from 'hyperdht'

/** A dial of a peer that is there is through by then, also over a slow link. */
const STALE_AFTER_MS = 1_500

interface Dial {
  readonly startedAt: number
  readonly stream: ReturnType<HyperDHT['connect']>
}

/**
 * Ends our dial of a peer's former address when the peer itself calls. Of two connections between the same
 * peers Hyperswarm keeps the one that the order of their keys says, also where that is a dial which leads nowhere
 * and takes 8 s to fail: who came back under another address would wait for it.
 * @returns called with the key of each peer that calls, in hex, before its connection is there.
 */
export function staleDials(dht: HyperDHT): (key: string) => void {
  const dials = new Map<string, Dial>()
  const connect = dht.connect.bind(dht)
  dht.connect = (key, options) => {
    const stream = connect(key, options)
    const peer = Buffer.from(key).toString('hex')
    const dial: Dial = { startedAt: Date.now(), stream }
    dials.set(peer, dial)
    const forget = () => {
      if (dials.get(peer) === dial) dials.delete(peer)
    }
    stream.once('open', forget)
    stream.once('close', forget)
    return stream
  }
  return (peer) => {
    const dial = dials.get(peer)
    if (dial !== undefined && Date.now() - dial.startedAt > STALE_AFTER_MS) dial.stream.destroy()
  }
}
