import { html } from 'hono/html'
import { parseFeedKey } from '../format/keys/feed-key.ts'
import { singleLineOf } from '../site/pages/parts.ts'
import { articleOf, contentOf, elementsOf, type ArticleOptions } from './article.ts'
import { type IssueReader, type VerifiedIssue, openLight } from './issue-reader.ts'
import { busySeal, failureOf, verifiedSeal } from './words.ts'

/*
 * The script of every page of a static site. Shows an issue anew from verified blocks: comparing what the server sent with
 * them would verify less than what is seen.
 */

const script = document.currentScript

async function verify(): Promise<void> {
  const { root = '', key = '', issue } = script instanceof HTMLScriptElement ? script.dataset : {}
  const shown = document.querySelector('#issue')
  // From a disk nothing can be fetched.
  if (issue === undefined || shown === null || location.protocol === 'file:') return
  const feedKey = parseFeedKey(key)
  const seal = () => shown.querySelector('#seal')
  seal()?.replaceWith((await elementsOf(busySeal(feedKey))).content)
  try {
    const base = new URL(`${root}log/`, location.href).href
    const reader = await openLight([base], { feedKey })
    const verified = await reader.issue(Number(issue))
    const options: ArticleOptions = {
      title: `${feedKey.slice(0, 8)}…`,
      home: `${root}index.html`,
      issueAddress: [`${root}issues`, '/index.html'],
      seal: verifiedSeal(feedKey, location.host, false),
    }
    shown.replaceChildren(await articleOf(reader, verified, options))
    document.documentElement.dataset['verified'] = 'yes'
    await complete(shown, reader, verified, options)
  } catch (error) {
    const { code, title, message } = failureOf(error)
    document.documentElement.dataset['verified'] = code
    seal()?.remove()
    const note = html`<div class="problem failed" role="alert">
      <p><strong>Not verified: ${title}.</strong> ${message}</p>
      <p>Do not rely on the text below. It is what this site says, and could not be checked.</p>
    </div>`
    shown.before((await elementsOf(note)).content)
  }
}

// What takes further requests comes once the text can be read: the name of the newsletter, and where links to other
// issues of an archive lead.
async function complete(
  shown: Element,
  reader: IssueReader,
  verified: VerifiedIssue,
  options: ArticleOptions,
): Promise<void> {
  const isImported = verified.text.importedFrom !== undefined
  const { issues } = isImported ? await reader.list() : { issues: [] }
  const title = (await reader.profile())?.title ?? options.title
  const again = { ...options, title, issues }
  if (contentOf(verified, again) !== contentOf(verified, options)) {
    shown.replaceChildren(await articleOf(reader, verified, again))
  }
  const name = shown.querySelector('.from bdi')
  if (name !== null) name.textContent = singleLineOf(title)
}

void verify()
