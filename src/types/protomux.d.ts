declare module 'protomux' {
  import type { Encoder } from 'compact-encoding'
  import type { Connection } from 'hyperswarm'

  /** `id` null, the default, is one channel per protocol. */
  export interface ChannelName {
    protocol: string
    id?: Uint8Array | null
  }

  export interface MessageOptions<T> {
    /** A decode that throws destroys the whole stream; one that throws SyntaxError (json) or TypeError ends the process. */
    encoding?: Encoder<T>
    /** A rejection or throw counts like one of the decoder. Not awaited before the next message. */
    onmessage?: (message: T, channel: Channel) => void | Promise<void>
  }

  export interface Message<T> {
    /** False when closed (nothing is sent) and also when the stream wants to drain. */
    send(message: T): boolean
  }

  export interface ChannelOptions<H> extends ChannelName {
    /** Numbered by position: both sides must list the same messages in the same order. */
    // oxlint-disable-next-line typescript/no-explicit-any
    messages?: readonly (MessageOptions<any> | null)[]
    /** Also for a channel the remote rejected, which never opened. */
    onclose?: (isRemote: boolean, channel: Channel<H>) => void | Promise<void>
    /** What was sent on the stream, by whatever channel, is on its way. */
    ondrain?: (channel: Channel<H>) => void | Promise<void>
  }

  // oxlint-disable-next-line typescript/no-explicit-any
  export interface Channel<H = any> {
    readonly protocol: string
    readonly id: Uint8Array | null
    // oxlint-disable-next-line typescript/no-explicit-any
    readonly messages: readonly Message<any>[]
    userData: unknown
    readonly opened: boolean
    /** Add all messages before this. */
    open(handshake?: H): void
    /** False when it closed instead; never rejects. */
    fullyOpened(): Promise<boolean>
  }

  class Protomux {
    private constructor()

    /** The one instance of the stream, kept in its `userData`. */
    static from(stream: Connection | Protomux): Protomux

    readonly stream: Connection
    readonly drained: boolean
    destroy(error?: Error): void
    /** What is sent until `uncork`, called as often, goes in one piece. */
    cork(): void
    uncork(): void

    /** Null when the stream is destroyed or a unique channel of this name is open; nothing is sent before `open`. */
    createChannel<H = undefined>(options: ChannelOptions<H>): Channel<H> | null
    /** Called when the remote opens first: create and open the channel before it resolves, else it is rejected. */
    pair(name: ChannelName, onPair: (id: Buffer | null) => void | Promise<void>): void
    cork(): void
    uncork(): void
    [Symbol.iterator](): IterableIterator<Channel>
  }

  export default Protomux
}
