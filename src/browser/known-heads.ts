import { HyperletterError } from '../errors.ts'
import { feedKeyOf, type FeedKey } from '../format/keys/feed-key.ts'
import type { VerifiedFiles } from '../format/log-files/verified-files.ts'

/**
 * Compares a log with the newest that this browser has seen of it, and remembers it. A browser that keeps nothing, such as
 * for a page on a disk, compares nothing.
 * @throws FEED_BEHIND if it is shorter, FEED_CONFLICT if it has another history.
 */
export async function assertNotOlder(files: VerifiedFiles): Promise<void> {
  const { feedKey, length } = files.head
  const name = `hyperletter/${feedKey}`
  const known = /^(\d{1,15}) ([a-z0-9]{52})$/.exec(stored()?.getItem(name) ?? '')
  const [, before, hash] = known ?? []
  if (before !== undefined) {
    if (length < Number(before)) {
      throw new HyperletterError(
        'FEED_BEHIND',
        `This address has an old state of the newsletter: ${length} blocks, where ${before} were seen before.`,
      )
    }
    if (feedKeyOf(await files.treeHash(Number(before))) !== hash) {
      throw new HyperletterError(
        'FEED_CONFLICT',
        'This address has another history of the newsletter than was seen before.',
      )
    }
  }
  try {
    stored()?.setItem(name, `${length} ${feedKeyOf(await files.treeHash(length))}`)
  } catch {
    // No room: then the next visit compares with an older state.
  }
}

/** Remembers where else the author says that the log can be had. */
export function rememberMirrors(feedKey: FeedKey, mirrors: readonly string[]): void {
  try {
    stored()?.setItem(`hyperletter/${feedKey}/mirrors`, mirrors.join(' '))
  } catch {
    // As above.
  }
}

/** Mirrors that the author named in a profile that was verified here before. */
export function knownMirrors(feedKey: FeedKey): readonly string[] {
  const text = stored()?.getItem(`hyperletter/${feedKey}/mirrors`) ?? ''
  return text.split(' ').filter((it) => it.startsWith('https://'))
}

function stored(): Storage | undefined {
  try {
    return localStorage
  } catch {
    return undefined
  }
}
