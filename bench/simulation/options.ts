import type { NodeOptions } from './node.ts'

export interface SimulationOptions {
  readonly publisher: NodeOptions
  readonly readers: readonly NodeOptions[]
  readonly blocks: number
  readonly blockBytes: number
  /** The way between two peers, besides what each is away. */
  readonly oneWayMs: number
  /** Those whom an uplink serves have a piece of their block each, in turn; a whole block when absent. */
  readonly pieceBytes?: number
  /** A message takes up to so much longer. */
  readonly jitterMs?: number
  /** Of how many blocks one is lost on its way, and comes when it was sent again. */
  readonly lossOneIn?: number
  /** What is left to chance differs with it. */
  readonly seed?: number
  /** How many others a reader is connected to, on average; all of them when absent. */
  readonly degree?: number
  /** How many readers are connected to the publisher; all of them when absent. */
  readonly atPublisher?: number
  /** Whom the publisher names to readers: plain Hypercore nobody, a liar some that do not exist. Its readers when absent. */
  readonly names?: 'nobody' | 'strangers'
}

export interface SimulationResult {
  /** From joining to holding everything, of each reader; infinite for one that never did. */
  readonly doneMs: readonly number[]
  /** What the publisher sent, over the size of all blocks. */
  readonly publisherCopies: number
  /** How many others a reader was connected to when the issue came out, on average. */
  readonly degree: number
}
