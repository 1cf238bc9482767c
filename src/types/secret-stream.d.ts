declare module '@hyperswarm/secret-stream' {
  import type { Duplex } from 'node:stream'
  import type { AnyKeyPair } from 'hypercore-crypto'
  import type { Connection } from 'hyperswarm'

  export interface SecretStreamOptions {
    keyPair: AnyKeyPair
    /** Of Noise. XX when absent: it shows the key of who is called to everybody who calls. */
    pattern?: 'XX' | 'IK'
    /** Who is called; IK needs it. */
    remotePublicKey?: Uint8Array
    /** Milliseconds of silence after which an empty message is sent; those of the other side are then swallowed. */
    keepAlive?: number
  }

  /** Begins the handshake at once. It believes any length that a frame says of itself, up to 16 MiB. */
  const SecretStream: new (
    isInitiator: boolean,
    rawStream: Duplex,
    options: SecretStreamOptions,
  ) => Connection
  export default SecretStream
}
