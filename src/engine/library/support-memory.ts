/** The payment addresses of a newsletter as this device last saw them, and what they were before. */
export interface SupportMemory {
  readonly uris: readonly string[]
  /** Those before the change at `changedAt`. */
  readonly before?: readonly string[] | undefined
  /** When this device saw the change: the date in the record is a claim of who made it. */
  readonly changedAt?: string | undefined
}

/** How long a change is pointed out. */
const MARK_MS = 30 * 24 * 3_600_000

/**
 * With the addresses that a profile has now; undefined where that is nothing new. The first ones that are seen are
 * no change. Of several changes in 30 days those before the first of them are remembered.
 */
export function rememberSupport(
  memory: SupportMemory | undefined,
  uris: readonly string[],
  now = Date.now(),
): SupportMemory | undefined {
  if (memory === undefined) return uris.length === 0 ? undefined : { uris }
  if (isSame(memory.uris, uris)) return undefined
  const before = supportChange(memory, now)?.before ?? memory.uris
  if (isSame(before, uris)) return { uris }
  return { uris, before, changedAt: new Date(now).toISOString() }
}

/** The change that is to be pointed out now. */
export function supportChange(
  { before, changedAt }: SupportMemory,
  now = Date.now(),
): { at: string; before: string[] } | undefined {
  if (before === undefined || changedAt === undefined) return undefined
  // A clock that was set back ends no mark.
  const isRecent = now - Date.parse(changedAt) < MARK_MS
  return isRecent ? { at: changedAt, before: [...before] } : undefined
}

// The order is the author's choice, not a change of addresses.
function isSame(a: readonly string[], b: readonly string[]): boolean {
  return JSON.stringify(a.toSorted()) === JSON.stringify(b.toSorted())
}
