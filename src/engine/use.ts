import type { FeedKey } from '../format/keys/feed-key.ts'

/**
 * Which feeds somebody may be using. Operations get feeds and keep them until they end, and nobody says
 * so; but one that was got before the oldest running operation began is in nobody's hands.
 */
export class Use {
  readonly #running = new Set<{ readonly since: number }>()
  readonly #usedAt = new Map<FeedKey, number>()

  /** Something that may get feeds begins; to be called when it has ended. */
  begin(): () => void {
    const work = { since: performance.now() }
    this.#running.add(work)
    return () => this.#running.delete(work)
  }

  /** Somebody gets a feed. */
  note(feedKey: FeedKey): void {
    this.#usedAt.set(feedKey, performance.now())
  }

  /** Whether somebody may use a feed, or did within `idleMs`. */
  isUsed(feedKey: FeedKey, idleMs: number): boolean {
    const usedAt = this.#usedAt.get(feedKey)
    if (usedAt === undefined) return false
    const oldest = Math.min(...[...this.#running].map((it) => it.since))
    return usedAt >= oldest || performance.now() - usedAt < idleMs
  }
}
