/** One issue of a newsletter, or a run of blocks of one that cannot be read here, as the plan sees it. */
export interface Item {
  /** What it takes on the disk. */
  readonly bytes: number
  /** It stays whatever it takes. */
  readonly isPinned: boolean
}

/** What may stay of one newsletter: indexes into its items. */
export type Chosen = ReadonlySet<number>

export interface RetentionPlan {
  /** In the order of the newsletters. */
  readonly chosen: readonly Chosen[]
  /** What has to go first when room is needed: a newsletter and one of its items. */
  readonly next: { readonly newsletter: number; readonly item: number } | undefined
}

/**
 * The largest share that every newsletter can have so that all together fit: who needs less leaves the
 * rest to the others. `Infinity` if all of them fit whole.
 */
export function fairShare(totals: readonly number[], budgetBytes: number): number {
  let left = budgetBytes
  const ascending = totals.toSorted((a, b) => a - b)
  for (const [i, total] of ascending.entries()) {
    const share = left / (ascending.length - i)
    if (total > share) return Math.max(0, share)
    left -= total
  }
  return Infinity
}

/**
 * Shares a disk among newsletters: each gets its newest items, and the next older item goes to the
 * newsletter that would then take least. So what goes first is the oldest issue of the newsletter that takes
 * most. It depends on the sizes alone, not on what is here, so that nothing is dropped and fetched
 * in turns; and not on dates, which authors may claim as they like.
 * @param newsletters items of each, newest first. What is larger than the budget is passed over.
 */
export function planFor(
  newsletters: readonly (readonly Item[])[],
  budgetBytes: number,
): RetentionPlan {
  const chosen = newsletters.map(
    (items) => new Set(items.flatMap((it, i) => (it.isPinned ? [i] : []))),
  )
  let left = budgetBytes
  for (const items of newsletters) {
    for (const { isPinned, bytes } of items) if (isPinned) left -= bytes
  }
  let next: RetentionPlan['next']
  const closed = new Set<number>()
  for (const { newsletter, item, bytes } of byShare(newsletters, budgetBytes)) {
    if (closed.has(newsletter)) continue
    if (bytes > left) {
      // An older one that is smaller would be dropped again as soon as there is room for this one.
      closed.add(newsletter)
      continue
    }
    left -= bytes
    chosen[newsletter]?.add(item)
    next = { newsletter, item }
  }
  return { chosen, next }
}

function byShare(newsletters: readonly (readonly Item[])[], budgetBytes: number) {
  return newsletters
    .flatMap((items, newsletter) => {
      let share = 0
      return items.flatMap(({ isPinned, bytes }, item) => {
        if (bytes > budgetBytes && !isPinned) return []
        share += bytes
        return isPinned ? [] : [{ newsletter, item, bytes, share }]
      })
    })
    .toSorted((a, b) => a.share - b.share)
}
