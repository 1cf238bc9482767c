import { html } from 'hono/html'
import { withoutTitle } from '../pages/content.ts'
import { article, neighbours } from '../pages/issue.ts'
import { lettersOf } from '../pages/letters.ts'
import { singleLineOf, type Markup, count, date, words, type IssueSummary } from '../pages/parts.ts'
import {
  INDEX,
  issueFolder,
  rootOf,
  signedBy,
  type StaticPage,
  continues,
  follow,
} from './layout.ts'
import type { SiteIssue, StaticSite } from './model.ts'
import { fileAddress, type Texts } from './texts.ts'
import { qrCode, supportPanel } from '../pages/support.ts'

export interface Neighbour {
  readonly number: number
  readonly title: string
}

/** One issue, with the ones beside it. */
export async function issuePage(
  texts: Texts,
  listed: SiteIssue,
  { previous, next }: { previous: Neighbour | undefined; next: Neighbour | undefined },
): Promise<StaticPage> {
  const { number, title, summary, publishedAt } = listed
  const path = issueFolder(number)
  const root = rootOf(path)
  const { issue, content } = await texts.read(listed, root, true)
  const { newsletter } = texts.site
  const picture = listed.attachments.find(
    (it) => it.mediaType.startsWith('image/') && fileAddress(listed, it.name, '') !== undefined,
  )
  return {
    title,
    path,
    kind: 'article',
    number,
    publishedAt,
    description: summary ?? newsletter.description,
    picture: picture && fileAddress(listed, picture.name, ''),
    previous: previous?.number,
    next: next?.number,
    body: html`<div id="issue">
        ${article(
          {
            issue,
            content: withoutTitle(content, title),
            home: root + INDEX,
            seal: signedBy(newsletter.feedKey),
            fileUrl: (name) => fileAddress(listed, name, root),
          },
          lettersOf(issue.letters, false),
        )}
      </div>
      <div class="after">
        ${invitation(singleLineOf(newsletter.title), root)}
        ${neighbours(previous, next, (it) => root + issueFolder(it) + INDEX)}
      </div>`,
  }
}

function invitation(title: string, root: string): Markup {
  return html`<p class="invitation">
    <span>You have read an issue of <bdi>${title}</bdi>.</span>
    <a class="button primary" href="${root}${INDEX}#follow">Follow it</a>
    <a class="button plain" href="${root}atom.xml">Atom feed</a>
  </p>`
}

/** The newest issue, the whole archive, and how to follow. @param seal what is known of its signature. */
export function indexPage(
  site: Pick<StaticSite, 'newsletter' | 'issues'>,
  seal = signedBy(site.newsletter.feedKey, 'its issues'),
): Markup {
  const { newsletter, issues } = site
  const authors = (newsletter.authors ?? []).map((it) => singleLineOf(it.name)).join(', ')
  const newest = issues.find((it) => it.retractedAt === undefined)
  return html`<header class="page-head hero">
      <h1>${words(newsletter.title)}</h1>
      ${newsletter.description === undefined ? '' : html`<p class="lede">${words(newsletter.description)}</p>`}
      <p class="over">
        ${authors === '' ? '' : html`by <bdi>${authors}</bdi> · `}${count(issues.length, 'issue')}
      </p>
      <p class="jump"><a href="#follow">Follow it</a></p>
      ${continues(newsletter.successor)} ${seal}
    </header>
    <div class="columns">
      <div>
        ${newest === undefined ? html`<p>Nothing has been published yet.</p>` : featured(newest)}
        <section id="archive" aria-labelledby="archive-title">
          <h2 class="section" id="archive-title">Archive</h2>
          ${byYear(issues).map(
            ([year, its]) =>
              html`<h3 class="year">${year}</h3>
                <ol class="rows" reversed>
                  ${its.map(row)}
                </ol>`,
          )}
        </section>
      </div>
      <aside aria-label="About this newsletter">
        ${follow(site, '', qrCode(newsletter.link))} ${supportPanel(newsletter)}
      </aside>
    </div>`
}

function featured(issue: IssueSummary): Markup {
  return html`<section class="featured" aria-labelledby="newest">
    <p class="over">Newest issue · No. ${issue.number} · ${date(issue.publishedAt, 'long')}</p>
    <h2 id="newest"><a href="${addressOf(issue)}">${words(issue.title)}</a></h2>
    ${issue.summary === undefined ? '' : html`<p class="lede">${words(issue.summary)}</p>`}
    <p>
      <a class="more" href="${addressOf(issue)}"
        >Read it<span class="sr-only">: ${singleLineOf(issue.title)}</span> →</a
      >
    </p>
  </section>`
}

function row(issue: IssueSummary): Markup {
  return html`<li>
    <span class="over">${date(issue.publishedAt, 'day')}</span>
    <a href="${addressOf(issue)}">${words(issue.title)}</a>
    ${issue.amendedAt === undefined || issue.retractedAt !== undefined ? '' : html`<span class="tag amended">amended</span>`}${issue.retractedAt === undefined ? '' : html`<span class="tag gone">retracted</span>`}
  </li>`
}

function addressOf({ number }: IssueSummary): string {
  return issueFolder(number) + INDEX
}

// In the order of the log, whatever their dates claim.
function byYear(issues: readonly IssueSummary[]): [string, IssueSummary[]][] {
  const years: [string, IssueSummary[]][] = []
  for (const issue of issues) {
    const year = issue.publishedAt.slice(0, 4)
    const last = years.at(-1)
    if (last?.[0] === year) last[1].push(issue)
    else years.push([year, [issue]])
  }
  return years
}
