declare module 'multicast-dns' {
  import type { EventEmitter } from 'node:events'

  export interface SrvData {
    readonly port: number
    readonly target: string
  }

  /** Of the kinds of records only those that are used; what comes from the network may be anything. */
  export type DnsRecord =
    | { name: string; type: 'PTR'; ttl?: number; data: string }
    | { name: string; type: 'SRV'; ttl?: number; data: SrvData }
    | { name: string; type: 'TXT'; ttl?: number; data: readonly Buffer[] }
    | { name: string; type: 'A'; ttl?: number; data: string }

  export interface DnsQuestion {
    name: string
    type: string
  }

  export interface DnsPacket {
    readonly questions: readonly DnsQuestion[]
    readonly answers: readonly DnsRecord[]
    readonly additionals: readonly DnsRecord[]
  }

  export interface MulticastDnsOptions {
    /** Local address whose network is joined and sent to; otherwise all are joined, and one is sent to. */
    interface?: string
    /** Address to bind; only 0.0.0.0 gets multicasts on every platform. */
    bind?: string
  }

  export interface MulticastDnsEvents {
    query: [packet: DnsPacket, from: { address: string; port: number }]
    response: [packet: DnsPacket, from: { address: string; port: number }]
    /** The port cannot be bound. */
    error: [error: NodeJS.ErrnoException]
    /** A packet that is none, a network that cannot be joined. */
    warning: [error: Error]
    ready: []
  }

  export interface DnsRecords {
    readonly answers: readonly DnsRecord[]
    readonly additionals?: readonly DnsRecord[]
  }

  export interface MulticastDns extends EventEmitter<MulticastDnsEvents> {
    query(
      packet: { questions: readonly DnsQuestion[] },
      done?: (error?: Error | null) => void,
    ): void
    respond(packet: DnsRecords, done?: (error?: Error | null) => void): void
    destroy(done?: () => void): void
  }

  export default function multicastDns(options?: MulticastDnsOptions): MulticastDns
}
