import {
  archive,
  complete,
  current,
  entryOf,
  MAX_DOCUMENT_CHARACTERS,
  MAX_ENTRY_CHARACTERS,
  type FeedEntry,
  type Outline,
} from '../syndication/document.ts'
import { FORMATS } from '../syndication/formats.ts'
import { INDEX, issueFolder } from './layout.ts'
import type { SiteFile } from './model.ts'
import { fileAddress, type Texts } from './texts.ts'

/**
 * Issues of a feed, and of an archive. Both feeds are written and uploaded anew with each issue, and fetched by every app
 * again and again.
 */
const ISSUES_PER_FEED = 10

/** The feeds of a site: the newest issues, and on demand all in one document. */
export function* newestDocuments(texts: Texts): Generator<SiteFile> {
  const { newsletter, issues, completeFeed } = texts.site
  const newest = current(newsletter, issues, ISSUES_PER_FEED)
  yield document(texts, 'atom.xml', newest)
  // Its pages would have to be JSON, too.
  yield document(texts, 'feed.json', { ...newest, links: {} })
  if (completeFeed === true)
    yield document(texts, 'complete/atom.xml', complete(newsletter, issues))
}

/** The archive (RFC 5005) of which the issue at `at` is the newest, if there is one. */
export function* archiveUpTo(texts: Texts, at: number): Generator<SiteFile> {
  const { newsletter, issues } = texts.site
  const number = (issues.length - at) / ISSUES_PER_FEED
  if (!Number.isInteger(number)) return
  const outline = archive(newsletter, issues, number, ISSUES_PER_FEED)
  if (outline !== undefined) yield document(texts, `archive/${number}.xml`, outline)
}

function document(texts: Texts, path: string, outline: Outline): SiteFile {
  const base = texts.site.address ?? '../'.repeat(path.split('/').length - 1)
  const format = FORMATS[path === 'feed.json' ? path : 'atom.xml']
  const addressOf = (below: string) =>
    base + (below === '' ? 'atom.xml' : below.replace(/\/$/, '.xml'))
  return {
    path,
    facts: outline,
    pieces: () =>
      format?.write({
        outline,
        entries: entries(texts, outline, base),
        self: base + path,
        home: base + page(texts),
        links: Object.fromEntries(
          Object.entries(outline.links).map(([rel, below]) => [rel, addressOf(below)]),
        ),
      }) ?? nothing(),
  }
}

async function* entries(texts: Texts, outline: Outline, root: string): AsyncGenerator<FeedEntry> {
  const { issues } = texts.site
  const wanted = new Set(outline.issues.map((it) => it.number))
  let left = MAX_DOCUMENT_CHARACTERS
  for (const listed of issues) {
    if (!wanted.has(listed.number)) continue
    const folder = root + issueFolder(listed.number)
    const { issue, content } = await texts.read(listed, root, false)
    left -= content.length
    const isTooLong = left < 0 || content.length > MAX_ENTRY_CHARACTERS
    yield entryOf(
      issue,
      folder + page(texts),
      isTooLong ? undefined : content,
      (name) => fileAddress(listed, name, root) ?? folder + page(texts),
    )
  }
}

// A web server shows the page of a folder; a stick does not.
function page({ site }: Texts): string {
  return site.address === undefined ? INDEX : ''
}

async function* nothing(): AsyncGenerator<string> {}
