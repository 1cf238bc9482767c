import { singleLine } from '../../render/plain.ts'
import type { NewsletterSummary } from '../pages/parts.ts'

/** Where one feed is. `complete` is every issue in one document, for apps that know no pages. */
export interface FeedAddresses {
  readonly atom: string
  readonly json: string
  readonly completeAtom: string
  readonly completeJson: string
}

/** The addresses of the feeds of several newsletters, and of what has all of them. */
export interface AllAddresses {
  /** A list for feed readers: the newest issues, with the older ones as pages. */
  readonly opml: string
  /** The same of complete feeds. */
  readonly completeOpml: string
  readonly everything: FeedAddresses
  readonly newsletters: readonly (FeedAddresses & {
    readonly newsletter: NewsletterSummary
    readonly title: string
    /** The page for people. */
    readonly home: string
  })[]
}

/** Gives the secret part of a feed's address. */
export interface FeedKeys {
  feed(feedKey: string): string
  /** Addresses of public newsletters have one too. */
  readonly isAlways?: boolean
}

/**
 * Stable addresses of feeds at `origin`. Those of private newsletters have a secret in them, and so
 * have the common ones if there is a private newsletter.
 */
export function feedAddresses(
  origin: string,
  keys: FeedKeys,
  newsletters: readonly NewsletterSummary[],
): AllAddresses {
  const shown = newsletters.filter((it) => it.title !== undefined)
  const all = keys.isAlways || shown.some((it) => it.private) ? `?key=${keys.feed('all')}` : ''
  return {
    opml: `${origin}/feeds/newsletters.opml${all}`,
    completeOpml: `${origin}/feeds/complete.opml${all}`,
    everything: inFolder(`${origin}/feeds/all`, all),
    newsletters: shown.map((newsletter) => {
      const { feedKey } = newsletter
      const query = keys.isAlways || newsletter.private ? `?key=${keys.feed(feedKey)}` : ''
      return {
        newsletter,
        title: singleLine(newsletter.title ?? feedKey),
        home: `${origin}/n/${feedKey}`,
        ...inFolder(`${origin}/feeds/${feedKey}`, query),
      }
    }),
  }
}

/** What a list of these feeds says of each. */
export function opmlOutlines({ newsletters }: AllAddresses, isComplete: boolean) {
  return newsletters.map(({ title, home, atom, completeAtom }) => ({
    title,
    xmlUrl: isComplete ? completeAtom : atom,
    htmlUrl: home,
  }))
}

function inFolder(folder: string, query: string): FeedAddresses {
  return {
    atom: `${folder}/atom.xml${query}`,
    json: `${folder}/feed.json${query}`,
    completeAtom: `${folder}/complete/atom.xml${query}`,
    completeJson: `${folder}/complete/feed.json${query}`,
  }
}
