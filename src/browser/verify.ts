import { html } from 'hono/html'
import { HyperletterError } from '../errors.ts'
import { parseFeedKey } from '../format/keys/feed-key.ts'
import { formatLink } from '../format/keys/link.ts'
import { describeInList, supportOf } from '../site/describe.ts'
import { singleLineOf } from '../site/pages/parts.ts'
import { indexPage } from '../site/static/pages.ts'
import { articleOf, contentOf, elementsOf, type ArticleOptions } from './article.ts'
import { type IssueReader, type VerifiedIssue, openLight } from './issue-reader.ts'
import { busySeal, failureOf, verifiedSeal } from './words.ts'

/*
 * The script of every page of a static site. Shows an issue, or the list of them, anew from verified blocks: comparing what
 * the server sent with them would verify less than what is seen.
 */

const script = document.currentScript

async function verify(): Promise<void> {
  const { root = '', key = '', issue } = script instanceof HTMLScriptElement ? script.dataset : {}
  const shown = document.querySelector(issue === undefined ? 'main' : '#issue')
  // From a disk nothing can be fetched.
  if (shown === null || location.protocol === 'file:') return
  const feedKey = parseFeedKey(key)
  const seal = () => shown.querySelector('#seal')
  const hasLetters = shown.querySelector('#letters') !== null
  seal()?.replaceWith((await elementsOf(busySeal(feedKey))).content)
  try {
    const base = new URL(`${root}log/`, location.href).href
    const reader = await openLight([base], { feedKey })
    if (issue === undefined) {
      await showList(shown, reader)
      document.documentElement.dataset['verified'] = 'yes'
      return
    }
    const verified = await reader.issue(Number(issue))
    const options: ArticleOptions = {
      title: `${feedKey.slice(0, 8)}…`,
      home: `${root}index.html`,
      issueAddress: [`${root}issues`, '/index.html'],
      seal: verifiedSeal(feedKey, location.host),
    }
    shown.replaceChildren(await articleOf(reader, verified, options))
    document.documentElement.dataset['verified'] = 'yes'
    await complete(shown, reader, verified, { ...options, hasLetters })
  } catch (error) {
    const { code, title, message } = failureOf(error)
    document.documentElement.dataset['verified'] = code
    seal()?.remove()
    const note = html`<div class="problem failed" role="alert">
      <p><strong>Not verified: ${title}.</strong> ${message}</p>
      <p>Do not rely on the text below. It is what this site says, and could not be checked.</p>
    </div>`
    const first = issue === undefined ? shown.firstElementChild : shown
    first?.before((await elementsOf(note)).content)
  }
}

/** Shows the first page: what the newsletter says of itself, and all of its issues. */
async function showList(shown: Element, reader: IssueReader): Promise<void> {
  const { feedKey } = reader
  const { issues, missing } = await reader.list()
  const profile = await reader.profile()
  if (profile === undefined || missing > 0) {
    throw new HyperletterError('NOT_AVAILABLE', 'Not all records of the newsletter can be had.')
  }
  const newsletter = {
    ...profile,
    feedKey,
    link: formatLink({ feedKey }),
    support: supportOf(profile),
  }
  const summaries = issues.map((it) => ({
    ...describeInList(it),
    feedKey,
    newsletter: profile.title,
    read: true,
    starred: false,
    held: true,
    attachments: [],
  }))
  // Where it continues is signed by itself, outside of the log.
  const successor = shown.querySelector('.hero .amendment')
  const seal = verifiedSeal(feedKey, location.host, { isList: true })
  shown.replaceChildren(
    (await elementsOf(indexPage({ newsletter, issues: summaries }, seal))).content,
  )
  if (successor !== null) shown.querySelector('#seal')?.before(successor)
}

// What takes further requests comes once the text can be read: the name of the newsletter, and where links to other
// issues of an archive lead.
async function complete(
  shown: Element,
  reader: IssueReader,
  verified: VerifiedIssue,
  { hasLetters, ...options }: ArticleOptions & { readonly hasLetters: boolean },
): Promise<void> {
  const isImported = verified.text.importedFrom !== undefined
  const { issues } = isImported ? await reader.list() : { issues: [] }
  const letters = hasLetters ? await reader.letters(verified.text.number) : []
  const title = (await reader.profile())?.title ?? options.title
  const again = { ...options, title, issues, letters }
  if (letters.length > 0 || contentOf(verified, again) !== contentOf(verified, options)) {
    shown.replaceChildren(await articleOf(reader, verified, again))
  }
  const name = shown.querySelector('.from bdi')
  if (name !== null) name.textContent = singleLineOf(title)
}

void verify()
