import { html, raw } from 'hono/html'
import { date, groupedKey, singleLineOf, words, type Markup } from '../pages/parts.ts'
import type { StaticSite } from './model.ts'

/** What a page has beside its body. */
export interface StaticPage {
  readonly title: string
  readonly description?: string | undefined
  /** Where it is, below the folder of the site: empty, or ends in `/`. */
  readonly path: string
  readonly kind: 'website' | 'article'
  readonly body: Markup
  /** Of an issue. */
  readonly number?: number
  readonly publishedAt?: string
  readonly previous?: number | undefined
  readonly next?: number | undefined
  /** A picture of the issue, below the folder of the site. */
  readonly picture?: string | undefined
}

/** Sites are read from a stick, too, where an address that names a folder shows its files. */
export const INDEX = 'index.html'

/** From a page to the folder of the site. */
export function rootOf(path: string): string {
  return '../'.repeat(path.split('/').length - 1)
}

/** The page of an issue, below the folder of the site. */
export function issueFolder(number: number): string {
  return `issues/${number}/`
}

/**
 * What a page may load and do. Texts are clean without it; it stands between a reader and a mistake in that. An author's
 * own head and foot may load what they like.
 */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'"

/** A whole page of a static site. All that it refers to on the site has a relative address. */
export function staticLayout(site: StaticSite, page: StaticPage): Markup {
  const { newsletter, theme } = site
  const root = rootOf(page.path)
  const title = singleLineOf(newsletter.title)
  const isOurs = theme.header === undefined && theme.footer === undefined
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        ${isOurs ? html`<meta http-equiv="content-security-policy" content="${POLICY}" />` : ''}
        <meta name="color-scheme" content="light dark" />
        <meta name="referrer" content="no-referrer" />
        <meta name="generator" content="Hyperletter" />
        <meta name="hyperletter" content="${newsletter.link}" />
        <title>
          ${page.number === undefined ? title : `${singleLineOf(page.title)} · ${title}`}
        </title>
        ${page.description === undefined ? '' : html`<meta name="description" content="${singleLineOf(page.description)}" />`}
        ${addresses(site, page, root)}
        <link rel="icon" href="${root}icon.svg" />
        <link rel="stylesheet" href="${root}style.css" />
        ${theme.css === undefined ? '' : html`<link rel="stylesheet" href="${root}theme.css" />`}
        <script
          src="${root}verify.js"
          defer
          data-root="${root}"
          data-key="${newsletter.feedKey}"
          ${page.number === undefined ? '' : html` data-issue="${page.number}"`}
        ></script>
      </head>
      <body class="site">
        <a class="skip" href="#content">Skip to the content</a>
        ${
          theme.header === undefined
            ? html`<header class="masthead">
                <a href="${root}${INDEX}"
                  ><img src="${root}icon.svg" alt="" width="28" height="28" /><bdi${page.path === '' ? html` class="sr-only"` : ''}>${title}</bdi></a
                >
                <nav aria-label="Site">
                  <a href="${root}${INDEX}#archive">Archive</a>
                  <a href="${root}${INDEX}#follow">Follow</a>
                </nav>
              </header>`
            : raw(theme.header)
        }
        <main id="content" tabindex="-1" ${page.kind === 'website' ? html` class="wide"` : ''}>
          ${page.body}
        </main>
        ${theme.footer === undefined ? footer(site, root) : raw(theme.footer)}
      </body>
    </html>`
}

function addresses(site: StaticSite, page: StaticPage, root: string): Markup {
  const { newsletter, address, theme } = site
  const title = singleLineOf(newsletter.title)
  const picture = page.picture ?? (theme.cover === undefined ? undefined : 'cover.png')
  const rel = (name: string, number: number | undefined) =>
    number === undefined
      ? ''
      : html`<link rel="${name}" href="${root}${issueFolder(number)}${INDEX}" />`
  return html`<link
      rel="alternate"
      type="application/atom+xml"
      title="${title}"
      href="${root}atom.xml"
    />
    <link rel="alternate" type="application/feed+json" title="${title}" href="${root}feed.json" />
    ${rel('prev', page.previous)}${rel('next', page.next)}${address === undefined ? '' : html`<link rel="canonical" href="${address}${page.path}" />`}
    <meta property="og:type" content="${page.kind}" />
    <meta property="og:site_name" content="${title}" />
    <meta property="og:title" content="${singleLineOf(page.title)}" />
    ${page.description === undefined ? '' : html`<meta property="og:description" content="${singleLineOf(page.description)}" />`}
    ${page.publishedAt === undefined ? '' : html`<meta property="article:published_time" content="${page.publishedAt}" />`}
    ${address === undefined ? '' : html`<meta property="og:url" content="${address}${page.path}" />`}
    ${address === undefined || picture === undefined ? '' : html`<meta property="og:image" content="${address}${picture}" />`}
    <meta
      name="twitter:card"
      content="${address === undefined || picture === undefined ? 'summary' : 'summary_large_image'}"
    />`
}

function footer({ newsletter: { feedKey, license, website } }: StaticSite, root: string): Markup {
  return html`<footer class="bottom">
    <p>
      Signed by <code>${feedKey.slice(0, 8)}…</code>, and carried by its readers with
      <span>Hyperletter</span>.
      ${license === undefined ? '' : html`<bdi>${singleLineOf(license)}</bdi>.`}
    </p>
    <p>
      ${website === undefined ? '' : html`<a href="${website}" rel="noopener noreferrer">Website</a> · `}<a
        href="${root}atom.xml"
        >Atom</a
      >
      · <a href="${root}feed.json">JSON Feed</a> ·
      <a href="${root}reader.html#${feedKey}">Reader in one file</a>
    </p>
  </footer>`
}

/** How to go on reading: in the program, or in the app that one has already. */
export function follow(
  { newsletter }: Pick<StaticSite, 'newsletter'>,
  root: string,
  code: Markup,
): Markup {
  return html`<section class="panel" id="follow" aria-labelledby="follow-title">
      <h2 id="follow-title">Follow</h2>
      <p>
        <a class="button primary" href="${root}atom.xml">In your feed reader</a>
      </p>
      <div class="qr">${code}</div>
      <label for="link">Or from its readers, with Hyperletter</label>
      <input id="link" class="copy" readonly value="${newsletter.link}" />
    </section>
    <section class="panel">
      <h2>Signed by</h2>
      <p class="key"><code>${groupedKey(newsletter.feedKey)}</code></p>
      <p>
        Each page checks what it shows against this key, in your browser.
        <a href="${root}reader.html#${newsletter.feedKey}">The reader in one file</a> does so, too,
        and can be kept: what is saved on your disk nobody else can change.
      </p>
    </section>`
}

/** What a page says of its signature before its script has checked anything, and without scripts. @param what is signed */
export function signedBy(feedKey: string, what = 'this issue'): Markup {
  return html`<details class="seal plain" id="seal">
    <summary>Signed <span>by key ${feedKey.slice(0, 8)}…</span></summary>
    <p>
      The author signed ${what} with the key
      ${html`<code class="key">${groupedKey(feedKey)}</code>`}. This page is a copy that was not
      checked: with scripts, your browser checks it against the signed log that lies beside it.
      Opened from a disk, pages cannot do that.
    </p>
  </details>`
}

/** Where the newsletter goes on, once it has another key. */
export function continues(successor: { link: string; issuedAt: string } | undefined): Markup | '' {
  if (successor === undefined) return ''
  return html`<div class="amendment">
    <p>
      <strong>Continues elsewhere</strong> since ${date(successor.issuedAt, 'long')}, signed with
      its recovery key: <a href="${successor.link}">${words(successor.link)}</a>
    </p>
  </div>`
}
