/** Longest OPML list, in characters and in bytes: some ten thousand feeds. */
export const MAX_OPML_LENGTH = 1_024 * 1_024

/** Newsletters that one list may add: each is a log to open, to look for and to fetch. */
export const MAX_OPML_NEWSLETTERS = 500
