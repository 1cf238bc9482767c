import type Protomux from 'protomux'
import type { Channel, ChannelOptions } from 'protomux'

/** The protocol by which Hypercore replicates; its channels are named by discovery keys. */
const REPLICATION = 'hypercore/alpha'

/**
 * Keeps cores off one connection: no channel for them opens, whoever asks. To be called before anything
 * else uses the multiplexer.
 */
export function closeGate(mux: Protomux, isShut: (discoveryKey: Uint8Array) => boolean): void {
  const create = mux.createChannel.bind(mux) as (options: ChannelOptions<unknown>) => Channel | null
  const guarded = (options: ChannelOptions<unknown>): Channel | null => {
    const { protocol, id } = options
    if (protocol === REPLICATION && id != null && isShut(id)) return null
    return create(options)
  }
  ;(mux as unknown as { createChannel: typeof guarded }).createChannel = guarded
}
