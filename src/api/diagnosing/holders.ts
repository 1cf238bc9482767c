import type { Config } from '../../config/config.ts'
import type { BlockRange } from '../../format/block-ranges.ts'
import type { Feed } from '../../format/feed.ts'
import { missingRanges } from '../../format/selection.ts'
import { unheldOf } from '../../replication/copies.ts'
import type { Network } from '../../engine/network/network.ts'
import type { Reason } from './check.ts'

/** Ranges that are looked into. */
const MAX_RANGES = 256

/** Ranges that are named. */
const MAX_NAMED = 4

/** Of the blocks that are missing: which no connected peer holds, and which are on their way. */
export function whereIsTheRest(
  { downloadLimit }: Pick<Config, 'downloadLimit'>,
  network: Network,
  feed: Feed,
): Reason[] {
  const missing = missingRanges(feed.log, feed.unwanted, MAX_RANGES)
  const unheld = unheldOf(feed.log, missing)
  const onTheWay = blocksIn(missing) - blocksIn(unheld)
  const { peers } = network.status(feed.feedKey)
  return [
    ...(unheld.length === 0 ? [] : [nobodyHolds(unheld, peers)]),
    ...(onTheWay === 0 ? [] : [fetching(onTheWay, downloadLimit)]),
  ]
}

function nobodyHolds(ranges: readonly BlockRange[], peers: number): Reason {
  const named = ranges.slice(0, MAX_NAMED).map(nameOf).join(', ')
  const more = ranges.length > MAX_NAMED ? ' and more' : ''
  const who = peers === 1 ? 'The one connected peer does not hold' : `None of ${peers} peers holds`
  return {
    code: 'nobody-holds',
    message: `${who} ${named}${more}.`,
    next: 'It is fetched as soon as somebody comes who does, while the daemon runs.',
  }
}

function fetching(blocks: number, downloadLimit: number | undefined): Reason {
  const limited =
    downloadLimit === undefined || downloadLimit === Infinity
      ? ''
      : `, at no more than ${Math.round(downloadLimit / 1_000)} kB/s, as is set`
  return { code: 'fetching', message: `${blocks} blocks are being fetched from peers${limited}.` }
}

function nameOf({ start, end }: BlockRange): string {
  return end - start === 1 ? `block ${start}` : `blocks ${start} to ${end - 1}`
}

function blocksIn(ranges: readonly BlockRange[]): number {
  return ranges.reduce((sum, { start, end }) => sum + end - start, 0)
}
