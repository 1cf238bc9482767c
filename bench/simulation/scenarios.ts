import type { NodeOptions } from './node.ts'
import type { SimulationOptions } from './options.ts'

/** Bytes per millisecond of one Mbit/s. */
const MEGABIT = 125

export interface Crowd {
  readonly readers: number
  /** Of the issue, in MiB. */
  readonly size: number
  /** Of every uplink, in Mbit/s. */
  readonly up: number
  /** What is different of the reader at each place. */
  readonly but?: (place: number) => Partial<NodeOptions>
  readonly publisherUp?: number
  readonly publisherLeavesMs?: number
  readonly degree?: number
  readonly atPublisher?: number
  readonly names?: 'nobody' | 'strangers'
  /** As over real lines: uplinks send to several at once, messages come late, and one block in fifty is lost at first. */
  readonly isRough?: boolean
  readonly seed?: number
}

/** Everybody wants an issue the moment it is out; round trips take 40 ms, and blocks are as long as the product makes them. */
export function crowd({
  readers,
  size,
  up,
  but,
  publisherUp,
  publisherLeavesMs,
  isRough = false,
  ...rest
}: Crowd): SimulationOptions {
  const blockBytes = (size > 4 ? 64 : 16) * 1024
  return {
    ...(isRough ? { pieceBytes: 2_048, jitterMs: 20, lossOneIn: 50 } : {}),
    publisher: {
      bytesPerMs: (publisherUp ?? up) * MEGABIT,
      ...(publisherLeavesMs === undefined ? {} : { leavesMs: publisherLeavesMs }),
    },
    readers: Array.from({ length: readers }, (_, place) => ({
      bytesPerMs: up * MEGABIT,
      ...but?.(place),
    })),
    blocks: (size * 1024 * 1024) / blockBytes,
    blockBytes,
    oneWayMs: 20,
    ...rest,
  }
}

/** An uplink of so many Mbit/s. */
export function uplink(megabits: number): Pick<NodeOptions, 'bytesPerMs'> {
  return { bytesPerMs: megabits * MEGABIT }
}

/** A downlink of so many Mbit/s. */
export function downlink(megabits: number): Pick<NodeOptions, 'downBytesPerMs'> {
  return { downBytesPerMs: megabits * MEGABIT }
}

/**
 * The least time in which everybody can have everything, in milliseconds: the publisher has to send it once, and
 * all uplinks together once for each reader (Kumar and Ross, Peer-Assisted File Distribution, 2006); and the narrowest
 * downlink has to take it once.
 */
export function fluidLimitMs({
  publisher,
  readers,
  blocks,
  blockBytes,
}: SimulationOptions): number {
  const sizeBytes = blocks * blockBytes
  const together = readers.reduce((sum, it) => sum + it.bytesPerMs, publisher.bytesPerMs)
  const narrowest = Math.min(...readers.map(({ downBytesPerMs }) => downBytesPerMs ?? Infinity))
  return Math.max(
    sizeBytes / narrowest,
    sizeBytes / publisher.bytesPerMs,
    (readers.length * sizeBytes) / together,
  )
}
