import { expect, test } from 'vitest'
import type { BlockRange } from '../../src/format/block-ranges.ts'
import { LogEvents } from '../../src/format/log.ts'
import { EVERYTHING } from '../../src/format/selection.ts'
import type { Feed } from '../../src/format/feed.ts'
import { Downloader } from '../../src/replication/downloader.ts'

const LENGTH = 10_000
const BLOCK_BYTES = 4_096
const MIB_IN_BLOCKS = (1024 * 1024) / BLOCK_BYTES

/** A long log of which nothing is here, and whose walk stops after one section. `asked` tells of every download. */
function logWhoseWalkStopsAt(from: number, asked: (range: BlockRange) => void): Feed {
  const fetch = (range: BlockRange) => {
    asked(range)
    return { destroy: () => undefined, done: () => Promise.resolve() }
  }
  const feed = {
    log: {
      length: LENGTH,
      byteLength: LENGTH * BLOCK_BYTES,
      isOpen: true,
      events: new LogEvents(),
      read: () => Promise.resolve(new Uint8Array()),
      fetch,
    },
    length: LENGTH,
    writable: false,
    selection: EVERYTHING,
    dropped: [],
    unwanted: [],
    begun: () => Promise.resolve(),
    newest: () => Promise.resolve(undefined),
    profile: () => Promise.resolve(undefined),
    async *sections({ signal }: { signal: AbortSignal }) {
      yield { from, dropped: [] }
      await new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error))
      })
    },
    list: () => new Promise(() => undefined),
  }
  return feed as unknown as Feed
}

test('a mebibyte below what has been walked through is asked for, and no more, while the walk waits for records', async () => {
  let wanted: Downloader | undefined
  const range = await new Promise<BlockRange>((resolve) => {
    const asked = (it: BlockRange) => {
      if (it.end === LENGTH) resolve(it)
    }
    const feed = logWhoseWalkStopsAt(9_000, asked)
    wanted = new Downloader(feed, () => undefined)
  })
  wanted?.close()

  expect(range).toEqual({ start: 9_000 - MIB_IN_BLOCKS, end: LENGTH })
})
