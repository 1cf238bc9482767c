import { expect, test } from 'vitest'
import type { Allocation } from '../../../src/engine/retention/allocate.ts'
import { Fetching, type FetchingOptions } from '../../../src/engine/retention/fetching.ts'
import type { FeedUsage } from '../../../src/engine/retention/feed-usage.ts'
import { EVERYTHING, UNDECIDED, type Selection } from '../../../src/format/selection.ts'

/** A newsletter that fits whole, as it was decided. */
function small() {
  const feed = {
    selection: UNDECIDED,
    select(selection: Selection) {
      feed.selection = selection
    },
  }
  const stock = { isOpen: true, feed } as unknown as FeedUsage
  return { feed, stock, decision: { stock, chosen: 'all' } as Allocation }
}

// Of what fits whole, nothing else is needed.
const fetching = () => new Fetching({} as FetchingOptions)

test('what fits is fetched whole', async () => {
  const { feed, decision } = small()
  await fetching().begin([decision], { isTight: false, isCurrent: () => true })
  expect(feed.selection).toBe(EVERYTHING)
})

test('what has grown since that was decided stays held back, and the others are fetched', async () => {
  const [grown, other] = [small(), small()]
  const isCurrent = (stock: FeedUsage) => stock !== grown.stock
  await fetching().begin([grown.decision, other.decision], { isTight: false, isCurrent })
  expect(grown.feed.selection).toBe(UNDECIDED)
  expect(other.feed.selection).toBe(EVERYTHING)
})
