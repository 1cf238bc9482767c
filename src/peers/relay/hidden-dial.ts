import HyperDHT, { type ConnectOptions } from 'hyperdht'
import type { Connection, RawStream } from 'hyperswarm'
import type { Dht } from '../dht.ts'
import { GuardedHandshake } from '../guarded-dht.ts'

/** Passes the first message of a Noise handshake to a peer, and gives its answer. @param device that relays, in hex */
export type Forward = (device: string, peer: Uint8Array, noise: Uint8Array) => Promise<Uint8Array>

export interface HiddenDial {
  readonly keyPair: ConnectOptions['keyPair']
  /** Public key of a blind relay. */
  readonly relay: Uint8Array
  readonly forward: (noise: Uint8Array) => Promise<Uint8Array>
}

/** Stands where hyperdht wants an address. Nothing is sent to it. */
export const NOWHERE = { host: '0.0.0.0', port: 1 }

type Firewall = (socket: unknown, port: number, host: string) => boolean

/**
 * Dials a peer through a blind relay so that it does not learn the address of this device. hyperdht's own dial
 * through a relay tells it: the node of the DHT that passes on the handshake adds the address of the sender, an open peer is called
 * straight, and all others are probed. Here the relay's device passes on the handshake, the peer's answer names no address
 * to hyperdht, and what comes from anywhere but the relay is refused.
 */
export function dialHidden(dht: Dht, key: Uint8Array, options: HiddenDial): Connection {
  const { keyPair, relay, forward } = options
  let socket: Connection | undefined
  const isFromRelay: Firewall = (from, port, host) => {
    const to = socket?.rawStream as (RawStream & { readonly socket: unknown }) | null | undefined
    return to != null && to.socket === from && to.remotePort === port && to.remoteHost === host
  }
  const hidden = Object.create(dht, {
    // Else it would tell the peer that this device is open, and where.
    remoteAddress: { value: () => null },
    findPeer: { value: () => Object.assign(nowhere(), { destroy: () => undefined }) },
    _router: {
      value: {
        get: () => undefined,
        peerHandshake: async (_: unknown, { noise }: { readonly noise: Uint8Array }) => ({
          noise: await forward(noise),
          relayed: true,
          serverAddress: NOWHERE,
          clientAddress: NOWHERE,
        }),
      },
    },
    createRawStream: {
      value: ({ firewall, ...rest }: { readonly firewall: Firewall }) =>
        dht.createRawStream({
          ...rest,
          firewall: (...from) => !isFromRelay(...from) || firewall(...from),
        }),
    },
    connect: { value: (relayKey: Uint8Array) => (socket = dht.connect(relayKey)) },
  }) as HyperDHT
  const dial: ConnectOptions = {
    relayThrough: relay,
    localConnection: false,
    holepunch: () => false,
    createHandshake: (own, peer) => new AddresslessHandshake(own, peer),
    ...(keyPair && { keyPair }),
  }
  return HyperDHT.prototype.connect.call(hidden, key, dial)
}

async function* nowhere() {
  yield { from: NOWHERE }
}

/** Reads nothing of an answer that leads anywhere else than to the relay. */
class AddresslessHandshake extends GuardedHandshake {
  override recv(message: Uint8Array): object {
    return {
      ...super.recv(message),
      // Not known, with no way to find out.
      firewall: 0,
      holepunch: null,
      addresses4: [],
      addresses6: [],
      relayThrough: null,
      relayAddresses: null,
    }
  }
}
