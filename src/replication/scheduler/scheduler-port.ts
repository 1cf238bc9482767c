/** A request under way. */
export interface Asked<P> {
  readonly peer: P
  readonly atMs: number
}

/** What a scheduler sees of a core and its peers. `P` names a peer; clocks are any milliseconds. */
export interface SchedulerPort<P> {
  /** Wanted blocks that are not here, the most urgent first; at most `limit`. */
  missing(limit: number): readonly number[]
  /** Whether somebody waits for a missing block more than for the others; nobody, when absent. */
  isUrgent?(index: number): boolean
  /** Whether a block is wanted and not here. */
  isMissing(index: number): boolean
  /** Requests for a block that are under way. */
  asked(index: number): readonly Asked<P>[]
  /** Whether a peer announced that it has a block. */
  holds(peer: P, index: number): boolean
  /** The same of many blocks at once, 1 or 0 for each; asked one by one, when absent. */
  holdsEach?(peer: P, indexes: readonly number[]): Uint8Array
  /** How many announcements a peer has made so far. */
  announcements(peer: P): number
  /** Whether a peer announced to have all that is wanted. */
  holdsAll(peer: P): boolean
  /** How many requests to a peer are under way. */
  inFlight(peer: P): number
  /** Whether a peer downloads too. */
  isReader(peer: P): boolean
}
