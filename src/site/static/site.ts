import { raw } from 'hono/html'
import { originsOf } from '../../render/links.ts'
import { updatedAt } from '../syndication/document.ts'
import { archiveUpTo, newestDocuments } from './documents.ts'
import { fileNameOf, isDrawing } from './files.ts'
import { indexPage, issuePage } from './pages.ts'
import { INDEX, issueFolder, staticLayout } from './layout.ts'
import type { SiteAssets, SiteFile, SiteIssue, SiteSource, StaticSite } from './model.ts'
import { Texts } from './texts.ts'

/** What every page and feed depends on, beside its own `facts`. */
export function commonFacts({ newsletter, address, theme, issues }: StaticSite): unknown {
  const { css, header, footer, cover } = theme
  const look = [header, footer, css === undefined, cover === undefined]
  return [newsletter, address, look, [...originsOf(issues)]]
}

/**
 * All files of a static site, made of nothing but what is given: the same each time. A page of an issue does
 * not depend on how many there are, so that one more changes its page, the one before, the index and feeds.
 */
export function* siteFiles(
  site: StaticSite,
  source: SiteSource,
  assets: SiteAssets,
): Generator<SiteFile> {
  const { theme, newsletter, address, issues } = site
  yield whole('.nojekyll', '')
  yield whole('robots.txt', robots(address))
  if (address !== undefined) yield whole('sitemap.xml', sitemap(address, issues))
  // By this, a domain of the author's names the newsletter.
  if (newsletter.names !== undefined) {
    const named = { newsletters: { [newsletter.feedKey]: {} } }
    yield whole('.well-known/hyperletter.json', JSON.stringify(named))
  }
  yield whole('style.css', assets.style)
  yield whole('verify.js', assets.verify)
  yield readerFile(assets)
  yield whole('icon.svg', theme.icon ?? assets.icon)
  if (theme.css !== undefined) yield whole('theme.css', theme.css)
  if (theme.cover !== undefined) yield whole('cover.png', theme.cover)

  const texts = new Texts(site, source)
  // What leads to a page comes after it.
  for (const [at, issue] of [...issues.entries()].toReversed()) {
    yield issueFile(texts, issue, at)
    yield* archiveUpTo(texts, at)
  }
  yield* newestDocuments(texts)
  yield {
    path: INDEX,
    facts: issues,
    async *pieces() {
      const page = {
        title: newsletter.title,
        description: newsletter.description,
        path: '',
        kind: 'website',
        body: raw(unindented(String(await indexPage(site)))),
      } as const
      yield String(await staticLayout(site, page))
    },
  }
}

/** The reader in one file, which a private newsletter has, too. */
export function readerFile({ reader }: Pick<SiteAssets, 'reader'>): SiteFile {
  return whole('reader.html', reader)
}

function issueFile(texts: Texts, issue: SiteIssue, at: number): SiteFile {
  const { site, source } = texts
  const { number } = issue
  const folder = issueFolder(number)
  const [next, previous] = [site.issues[at - 1], site.issues[at + 1]].map(
    (it) => it && { number: it.number, title: it.title },
  )
  return {
    path: folder + INDEX,
    facts: [issue, previous, next],
    async *pieces() {
      yield String(await staticLayout(site, await issuePage(texts, issue, { previous, next })))
    },
    shows: issue.attachments.flatMap((it, k) => {
      if (isDrawing(it) || !it.held) return []
      const path = `${folder}files/${fileNameOf(it, k + 1)}`
      const pieces = (from?: number) => source.attachment(number, it.name, from)
      return { path, bytes: it.bytes, mediaType: it.mediaType, pieces }
    }),
  }
}

function whole(path: string, content: string | Uint8Array): SiteFile {
  return {
    path,
    facts: undefined,
    async *pieces() {
      yield content
    },
  }
}

// An archive has hundreds of lines, and is written with each issue.
function unindented(markup: string): string {
  return markup.replace(/\s*\n\s*/g, '\n')
}

function robots(address: string | undefined): string {
  const map = address === undefined ? '' : `Sitemap: ${address}sitemap.xml\n`
  return `User-agent: *\nAllow: /\n${map}`
}

// Its addresses must be whole ones, so there is none without an address.
function sitemap(address: string, issues: readonly SiteIssue[]): string {
  const url = (path: string, changed: Date) =>
    `<url><loc>${(address + path).replace(/[&<>'"]/g, (it) => `&#${it.charCodeAt(0)};`)}</loc><lastmod>${changed.toISOString()}</lastmod></url>\n`
  const pages = issues.map((it) => url(issueFolder(it.number), updatedAt([it])))
  const head = '<?xml version="1.0" encoding="utf-8"?>\n'
  return `${head}<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n${url('', updatedAt(issues))}${pages.join('')}</urlset>\n`
}
