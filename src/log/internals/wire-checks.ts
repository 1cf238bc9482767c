import { MAX_LOG_BLOCKS } from '../../format/block-ranges.ts'

/** What is known of one peer of one core when a message of it arrives. */
export interface WirePeer {
  /** Of the log here, in blocks; undefined where the inside of Hypercore is not known. */
  readonly length: number | undefined
  readonly isContiguous: boolean
  /** The longest unbroken beginning of the log that any peer ever claimed; a change of it is stored. */
  readonly contiguousClaimed: number
  /** The length that the peer claims; 0 before it did. */
  readonly claimed: number
  /** The fork of the log here; undefined if another one would be taken. */
  readonly fork: number | undefined
  /** How many peers replicate the core. */
  readonly peers: number
  /** Whether the peer was asked something under this number and has not answered. */
  isAsked(request: number): boolean
}

/**
 * A reason to hang up; what it costs to handle the message, in microseconds; or that it is not handed on, which costs
 * something too and may be a misdeed.
 */
export type Verdict = string | number | { readonly cost: number; readonly misdeed?: string }

interface Span {
  start: number
  length: number
}

interface Nodes {
  readonly nodes: readonly unknown[]
}

interface Request {
  readonly block: { readonly index: number; readonly nodes: number } | null
  readonly hash: { readonly index: number; readonly nodes: number } | null
  readonly seek: { readonly bytes: number; readonly padding: number } | null
  readonly upgrade: Span | null
}

interface Data {
  readonly request: number
  readonly fork: number
  readonly block: (Nodes & { value: Uint8Array | null }) | null
  readonly hash: Nodes | null
  readonly seek: Nodes | null
  readonly upgrade: (Nodes & { readonly additionalNodes: readonly unknown[] }) | null
}

/** Of a peer's bitfield: memory for them is taken in one piece. */
const PAGE_BLOCKS = 32_768

/** Blocks that a peer may announce before its new length arrives: 4 GiB of content in one entry. */
const AHEAD_BLOCKS = 65_536

/**
 * Blocks beyond the log here whose availability is noted before the length is proved. What is announced
 * beyond is asked for again, once that it is.
 */
const UNPROVED_BLOCKS = 2 ** 20

/** Hypercore asks for availability in such batches, and rounds up to them. */
const WANT_BLOCKS = 2 ** 21

/** Nodes of the tree in one part of a message: twice the height of the highest there can be. */
const MAX_NODES = 128

/** Hypercore's own padding of an encrypted block is 8 bytes. */
const MAX_PADDING = 65_536

/** Longest name of an extension: those of Hyperbee and Autobase have some twenty letters. */
const MAX_NAME = 256

const NOT_A_LOG = 'peer speaks of blocks that cannot exist'
const NOT_A_PROOF = 'peer sends or asks for a proof that cannot exist'

/** What messages take, measured in microseconds; a page is one of a bitfield that is filled, or replaced. */
const COST = {
  least: 4,
  firstSync: 50,
  sync: 250,
  storedHint: 200,
  rangePage: 450,
  bitfieldPage: 500,
  conflict: 500,
}

/** One for each kind of message of Hypercore's protocol, in the order of their numbers. */
export const CHECKS: readonly ((message: never, peer: WirePeer) => Verdict)[] = [
  function sync(
    { length, remoteLength }: { length: number; remoteLength: number },
    { claimed }: WirePeer,
  ) {
    if (Math.max(length, remoteLength) > MAX_LOG_BLOCKS) return NOT_A_LOG
    return claimed === 0 ? COST.firstSync : COST.sync
  },
  function request({ block, hash, seek, upgrade }: Request) {
    const isBeyond =
      (block?.index ?? 0) >= MAX_LOG_BLOCKS ||
      (hash?.index ?? 0) >= 2 * MAX_LOG_BLOCKS ||
      endOf(upgrade) > MAX_LOG_BLOCKS
    if (isBeyond) return NOT_A_LOG
    const nodes = Math.max(block?.nodes ?? 0, hash?.nodes ?? 0)
    if (nodes > MAX_NODES || (seek?.padding ?? 0) > MAX_PADDING) return NOT_A_PROOF
    return 5
  },
  function cancel() {
    return COST.least
  },
  function data(message: Data, peer: WirePeer) {
    const { block, hash, seek, upgrade } = message
    const parts = [block?.nodes, hash?.nodes, seek?.nodes, upgrade?.nodes, upgrade?.additionalNodes]
    if (parts.some((nodes) => (nodes?.length ?? 0) > MAX_NODES)) return NOT_A_PROOF
    // Another history is examined, and never taken.
    if (peer.fork !== undefined && message.fork > peer.fork) return { cost: COST.least }
    // On its own a peer may prove only that there are two histories.
    if (message.request === 0) return upgrade === null ? { cost: COST.least } : COST.conflict
    if (!peer.isAsked(message.request)) {
      return { cost: COST.least + (block?.value?.byteLength ?? 0) / 1_000 }
    }
    // An empty block arrives as null, which Hypercore takes for one that was not asked for, and fails on.
    if (block !== null) block.value ??= new Uint8Array()
    return 10
  },
  function noData({ request }: { request: number }, peer: WirePeer) {
    // Hypercore then looks for something to ask of any peer.
    return peer.isAsked(request) ? 20 + 5 * peer.peers : { cost: COST.least }
  },
  function want(span: Span, { length = MAX_LOG_BLOCKS, isContiguous }: WirePeer) {
    if (endOf(span) > MAX_LOG_BLOCKS + WANT_BLOCKS) return NOT_A_LOG
    // The answer may be a whole bitfield, and is written whether it is read or not.
    const blocks = isContiguous ? 0 : Math.min(span.length, length)
    return 20 + blocks / 64
  },
  function unwant(span: Span) {
    return endOf(span) > MAX_LOG_BLOCKS + WANT_BLOCKS ? NOT_A_LOG : COST.least
  },
  function bitfield(message: { readonly start: number; bitfield: Uint32Array }, peer: WirePeer) {
    const { start } = message
    if (start + 32 * message.bitfield.length > MAX_LOG_BLOCKS + WANT_BLOCKS) return NOT_A_LOG
    const words = Math.ceil((believedEnd(peer) - start) / 32)
    if (words <= 0 || start % 32 !== 0) return { cost: COST.least }
    message.bitfield = message.bitfield.subarray(0, words)
    return 10 + COST.bitfieldPage * pagesOf(32 * message.bitfield.length)
  },
  function range(message: Span & { readonly drop: boolean }, peer: WirePeer) {
    const { start, drop } = message
    const end = endOf(message)
    if (end > MAX_LOG_BLOCKS) return NOT_A_LOG
    const { length = MAX_LOG_BLOCKS, claimed } = peer
    if (end > Math.max(length, claimed) + AHEAD_BLOCKS)
      return { cost: COST.least, misdeed: NOT_A_LOG }
    if (start === 0 && !drop) return end > peer.contiguousClaimed ? COST.storedHint : 20
    message.length = Math.min(end, believedEnd(peer)) - start
    if (message.length <= 0) return { cost: COST.least }
    return message.length === 1 ? 10 : 20 + COST.rangePage * pagesOf(message.length)
  },
  function extension({ name, message }: { name: string; message: Uint8Array }) {
    // None is registered here; the name of the last one would be kept.
    if (name.length > MAX_NAME) return 'peer sends what nobody asked for'
    return { cost: COST.least + message.byteLength / 100 }
  },
]

function endOf(span: Span | null): number {
  return span === null ? 0 : span.start + span.length
}

function believedEnd({ length = 0, claimed }: WirePeer): number {
  return length + Math.max(AHEAD_BLOCKS, Math.min(claimed - length, UNPROVED_BLOCKS))
}

function pagesOf(blocks: number): number {
  return Math.ceil(blocks / PAGE_BLOCKS)
}
