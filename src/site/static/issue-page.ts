import { html } from 'hono/html'
import { withoutTitle } from '../pages/content.ts'
import { article, neighbours } from '../pages/issue.ts'
import { lettersOf } from '../pages/letters.ts'
import { singleLineOf, type Markup } from '../pages/parts.ts'
import { INDEX, issueFolder, rootOf, signedBy, type StaticPage } from './layout.ts'
import type { SiteIssue } from './model.ts'
import { fileAddress, type Texts } from './texts.ts'

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
