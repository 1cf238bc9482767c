import type { Lab } from '../lab.ts'
import type { LineProcess } from '../lines.ts'

/** What one reader tells when it has what it waited for. */
export interface Told {
  /** Milliseconds since it began, and bytes that had arrived. */
  readonly points: readonly (readonly [number, number])[]
  readonly cpuMs: number
  readonly memoryBytes: number
}

/** What a publisher has. */
export interface Offer {
  /** Of the issue that it publishes when it is told to. */
  readonly sizeBytes: number
  /** Out before anybody is connected. */
  readonly backlog: { readonly issues: number; readonly sizeBytes: number }
}

export interface ReaderOptions {
  /** Connected and waiting before it is ready; else it looks the publisher up when it begins. */
  readonly isLive: boolean
  /** What it waits for, or `times`: it tells of each issue when that is here. */
  readonly until: 'everything' | 'newest' | 'times'
}

/** Where a side is started; whoever made it closes the lab and removes the folder. */
export interface Ground {
  readonly lab: Lab
  readonly readers: number
  readonly dir: string
}

/** One of those that are compared. */
export interface Side {
  readonly name: string
  /** Starts a publisher, and everything else that readers need. */
  readonly open: (ground: Ground, offer: Offer) => Promise<Opened>
}

export interface Opened {
  readonly publisher: LineProcess
  /** Starts the reader of this place; it is ready. */
  readonly reader: (place: number, options: ReaderOptions) => Promise<LineProcess>
  /** Longer than it takes that readers who came together know each other. */
  readonly meshMs: number
}

/** What an offer has before anybody asks, or what it will have: how many files, and of what size. */
export function filesOf({ sizeBytes, backlog }: Offer): { files: number; sizeBytes: number } {
  return backlog.issues > 0
    ? { files: backlog.issues, sizeBytes: backlog.sizeBytes }
    : { files: 1, sizeBytes }
}
