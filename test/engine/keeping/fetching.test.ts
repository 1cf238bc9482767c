import { expect, test } from 'vitest'
import type { Decision } from '../../../src/engine/keeping/decide.ts'
import { Fetching, type FetchingOptions } from '../../../src/engine/keeping/fetching.ts'
import type { Stock } from '../../../src/engine/keeping/stock.ts'
import { EVERYTHING, UNDECIDED, type Selection } from '../../../src/feed/holding/selection.ts'

/** A newsletter that fits whole, as it was decided. */
function small() {
  const feed = {
    selection: UNDECIDED,
    select(selection: Selection) {
      feed.selection = selection
    },
  }
  const stock = { isOpen: true, feed } as unknown as Stock
  return { feed, stock, decision: { stock, chosen: 'all' } as Decision }
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
  const isCurrent = (stock: Stock) => stock !== grown.stock
  await fetching().begin([grown.decision, other.decision], { isTight: false, isCurrent })
  expect(grown.feed.selection).toBe(UNDECIDED)
  expect(other.feed.selection).toBe(EVERYTHING)
})
