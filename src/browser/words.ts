import { html } from 'hono/html'
import { HyperletterError } from '../errors.ts'
import { groupedKey, type Markup } from '../site/pages/parts.ts'

/** What a reader should know of a check, and what it cannot promise. */
export function verifiedSeal(
  feedKey: string,
  from: string,
  { isPrivate = false, isList = false } = {},
): Markup {
  const what = isList ? 'the records of the newsletter and its issues' : 'every block of this issue'
  return html`<details class="seal good" id="seal">
    <summary>Verified <span>by key ${feedKey.slice(0, 8)}… · how?</span></summary>
    <p>
      Your browser took the signed log from ${from}, and checked ${what} against the key
      ${html`<code class="key">${groupedKey(feedKey)}</code>`}. What you read was made from these
      ${isList ? 'records' : 'blocks'}, and not from the page.
    </p>
    <p>${promise(isPrivate)}</p>
  </details>`
}

function promise(isPrivate: boolean): Markup {
  if (location.protocol === 'file:') {
    return html`The check was done by this file on your disk, which nobody else can change. Compare
      its SHA-256 once with what <code>hyperletter web --hash</code> prints, or with the notes of
      the release.`
  }
  return html`It was done by the script that <bdi>${location.host}</bdi> served. Whoever serves a
    page could serve another script with it, which says “verified” of
    anything${isPrivate ? ' and reads the key of this newsletter' : ''}. To trust nobody with that,
    save the reader in one file and open it from your disk, or use the program Hyperletter.`
}

/** What is shown while nothing is known yet. */
export function busySeal(feedKey: string): Markup {
  return html`<details class="seal busy" id="seal">
    <summary>Checking <span>against key ${feedKey.slice(0, 8)}…</span></summary>
    <p>Your browser fetches the signed log and checks what is shown against it.</p>
  </details>`
}

const TITLES: Readonly<Record<string, string>> = {
  INVALID_LOG: 'This is not what the author signed',
  INVALID_RECORD: 'This issue is damaged',
  INVALID_LINK: 'This link is not complete',
  FEED_BEHIND: 'This address has an old state',
  FEED_CONFLICT: 'Two histories under one key',
  NEEDS_KEY: 'This newsletter is private',
  NOT_AVAILABLE: 'It cannot be had now',
  ISSUE_NOT_FOUND: 'Nothing here',
}

export function failureOf(cause: unknown): {
  readonly code: string
  readonly title: string
  readonly message: string
} {
  const { code, message } = HyperletterError.from(cause)
  return { code, message, title: TITLES[code] ?? 'Something went wrong' }
}
