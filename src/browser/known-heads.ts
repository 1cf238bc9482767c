import { attempt, HyperletterError } from '../errors.ts'
import { feedKeyOf, type FeedKey } from '../format/keys/feed-key.ts'
import type { VerifiedFiles } from '../format/log-files/verified-files.ts'

/**
 * Compares a log with the newest that this browser has seen of it, and remembers it. A browser that keeps nothing, such as
 * for a page on a disk, compares nothing.
 * @throws FEED_BEHIND if it is shorter, FEED_CONFLICT if it has another history.
 */
export async function assertNotOlder(files: VerifiedFiles): Promise<void> {
  const { feedKey, length } = files.head
  const known = knownHead(feedKey)
  if (known !== undefined) {
    if (length < known.length) {
      const message = `This address has an old state of the newsletter: ${length} blocks, where ${known.length} were seen before.`
      throw new HyperletterError('FEED_BEHIND', message)
    }
    if (feedKeyOf(await files.treeHash(known.length)) !== known.hash) {
      const message = 'This address has another history of the newsletter than was seen before.'
      throw new HyperletterError('FEED_CONFLICT', message)
    }
  }
  rememberHead(feedKey, length, await files.treeHash(length))
}

/** Remembers the newest verified state of a log, by its length and the hash of its tree. */
export function rememberHead(feedKey: FeedKey, length: number, treeHash: Uint8Array): void {
  if (length < (knownHead(feedKey)?.length ?? 0)) return
  // Without room, the next visit compares with an older state.
  remember(feedKey, '', `${length} ${feedKeyOf(treeHash)}`)
}

function knownHead(
  feedKey: FeedKey,
): { readonly length: number; readonly hash: string } | undefined {
  const [, length, hash] = /^(\d{1,15}) ([a-z0-9]{52})$/.exec(recall(feedKey, '')) ?? []
  return hash === undefined ? undefined : { length: Number(length), hash }
}

/** Remembers where else the author says that the log can be had. */
export function rememberMirrors(feedKey: FeedKey, mirrors: readonly string[]): void {
  remember(feedKey, '/mirrors', mirrors.join(' '))
}

/** Mirrors that the author named in a profile that was verified here before. */
export function knownMirrors(feedKey: FeedKey): readonly string[] {
  return recall(feedKey, '/mirrors')
    .split(' ')
    .filter((it) => it.startsWith('https://'))
}

/** Remembers something of a newsletter, if this browser keeps anything and has room. @param name under which. */
export function remember(feedKey: FeedKey, name: string, text: string): void {
  try {
    stored()?.setItem(`hyperletter/${feedKey}${name}`, text)
  } catch {
    // Then it is not known at the next visit.
  }
}

/** What was remembered; empty if nothing was. */
export function recall(feedKey: FeedKey, name: string): string {
  return stored()?.getItem(`hyperletter/${feedKey}${name}`) ?? ''
}

function stored(): Storage | undefined {
  return attempt(() => localStorage)
}
