import { Hono } from 'hono'
import { HyperletterError, ifCode } from '../../errors.ts'
import { secretsOf, show, viewOf, type Env, type Reader } from '../context.ts'
import { feedAddresses } from '../../site/syndication/addresses.ts'
import { addPage } from '../../site/pages/add.ts'
import { issuePage } from '../../site/pages/issue.ts'
import { withAnchors, withoutTitle, withSizes } from '../../site/pages/content.ts'
import { feedsPage } from '../../site/pages/feeds.ts'
import {
  type Slice,
  inboxPage,
  newslettersPage,
  pageNumber,
  PER_PAGE,
  SHOWS,
  slice,
  unreadIn,
} from '../../site/pages/lists.ts'
import { newsletterPage } from '../../site/pages/newsletter.ts'
import {
  attachmentPath,
  issuePath,
  newsletterPath,
  type IssueSummary,
} from '../../site/pages/parts.ts'
import { signOutPage } from '../../site/pages/problem.ts'
import { MOST_FOUND, searchPage } from '../../site/pages/search.ts'
import { originsOf } from '../../render/links.ts'
import { prepareWorker } from '../../text-worker/text-worker.ts'
import type { RenderCache } from '../render-cache.ts'
import { newDraft } from './letters.ts'

/** The pages. None of them changes anything. */
export function readingRoutes(reader: Reader, rendered: RenderCache): Hono<Env> {
  const app = new Hono<Env>()
  const { operations } = reader

  app.get('/', async (c) => {
    const view = viewOf(reader, c)
    const shown = SHOWS.find((it) => it === c.req.query('show')) ?? 'unread'
    const newsletters = await operations.listNewsletters({})
    const within = newsletters.find((it) => it.feedKey === c.req.query('in'))
    const unread = unreadIn(within === undefined ? newsletters : [within])
    const known = shown === 'unread' ? Math.ceil(unread / PER_PAGE) : undefined
    const page = pageNumber(c.req.query('page'), known)
    const found = await operations.listInbox({
      show: shown,
      skip: (page - 1) * PER_PAGE,
      limit: PER_PAGE + 1,
      excerpts: true,
      newsletter: within?.feedKey,
    })
    const isMore = found.length > PER_PAGE
    const items = isMore ? found.slice(0, PER_PAGE) : found
    const pages = Math.max(known ?? 0, page + (isMore ? 1 : 0))
    const issues = { items, page, pages, total: items.length }
    const body = inboxPage(shown, issues, newsletters, within?.feedKey)
    const count = unreadIn(newsletters)
    const title = count === 0 ? 'Inbox' : `(${count}) Inbox`
    prepareWorker()
    return show(c, view, { title, place: 'inbox', kind: 'list', body })
  })

  app.get('/newsletters', async (c) => {
    const view = viewOf(reader, c)
    const body = newslettersPage(await operations.listNewsletters({}))
    return show(c, view, { title: 'Newsletters', place: 'newsletters', wide: true, body })
  })

  app.get('/n/:key{[a-z0-9]{52}}', async (c) => {
    const view = viewOf(reader, c)
    const { key } = c.req.param()
    const [newsletters, status, history] = await Promise.all([
      operations.listNewsletters({}),
      operations.status({}),
      // Not in the library: said below.
      operations.copyHistory({ newsletter: key }).catch(() => []),
    ])
    const newsletter = newsletters.find((it) => it.feedKey === key)
    if (newsletter === undefined) throw notFound()
    // A newsletter of which nothing has arrived has a page all the same.
    const issues = await operations
      .listIssues({ newsletter: key })
      .catch(ifCode([], 'NOT_AVAILABLE', 'NEEDS_KEY'))
    const carrying = status.newsletters.find((it) => it.feedKey === key)
    const mayChange = view.isOwn === true
    const isOwn = mayChange && newsletter.roles.includes('author')
    const page = slice(issues, c.req.query('page'))
    const shown = isOwn ? { ...page, items: await withCopies(key, page.items) } : page
    const letters = isOwn ? await waitingIn(key) : 0
    const body = newsletterPage(newsletter, shown, carrying, {
      isOwn,
      waiting: letters,
      mayChange,
      history,
      now: Date.now(),
    })
    const title = newsletter.title ?? 'Newsletter'
    prepareWorker()
    return show(c, view, { title, place: 'newsletters', kind: 'list', wide: true, body })
  })

  app.get('/n/:key{[a-z0-9]{52}}/:number{[1-9][0-9]{0,14}}', async (c) => {
    const view = viewOf(reader, c)
    const { key, number: text } = c.req.param()
    const number = Number(text)
    const issue = await operations.readIssue({ newsletter: key, number, pictureSizes: true })
    // With its neighbours.
    const isOwn = view.isOwn === true && issue.own === true
    const around = { newsletter: key, before: number + 2, limit: 3, copies: isOwn }
    const all = await operations.listIssues(around)
    const path = issuePath(key, number)
    const names = new Set(issue.attachments.map((it) => it.name))
    const html = await rendered.render(issue, `page of ${all.length}`, {
      attachmentUrl: (name) => (names.has(name) ? attachmentPath(path, name) : undefined),
      home: newsletterPath(key),
      origins: originsOf(all),
      preview: '/add?link=',
    })
    const page = {
      issue,
      isOwn,
      letter:
        view.isOwn === true && issue.own !== true && issue.takesLetters === true
          ? newDraft(reader, c, key, number)
          : undefined,
      content: withAnchors(withSizes(withoutTitle(html, issue.title), issue, path)),
      summary: all.find((it) => it.number === number),
      previous: all.find((it) => it.number < number),
      next: all.findLast((it) => it.number > number),
    }
    const body = issuePage(page, view.look)
    return show(c, view, { title: issue.title, place: 'none', kind: 'issue', body })
  })

  app.get('/search', async (c) => {
    const view = viewOf(reader, c)
    const [query, within, since] = ['q', 'in', 'since'].map((it) => (c.req.query(it) ?? '').trim())
    const asked = { query: query ?? '', within: within ?? '', since: since ?? '' }
    const newsletters = await operations.listNewsletters({})
    const found = asked.query === '' ? {} : await find(asked)
    const body = searchPage({ ...asked, newsletters, ...found })
    return show(c, view, { title: 'Search', place: 'search', body })
  })

  // Letters that cannot be read must not keep an author from the rest of the page.
  async function waitingIn(newsletter: string): Promise<number> {
    try {
      return (await operations.listLetters({ newsletter })).waiting.length
    } catch {
      return 0
    }
  }

  async function withCopies(newsletter: string, issues: Slice<IssueSummary>['items']) {
    const [first] = issues
    if (first === undefined) return issues
    const asked = { newsletter, before: first.number + 1, limit: issues.length, copies: true }
    return operations.listIssues(asked)
  }

  async function find({ query, within, since }: Record<'query' | 'within' | 'since', string>) {
    const filter = { newsletter: within || undefined, since: since || undefined }
    try {
      return { found: await operations.search({ query, limit: MOST_FOUND, ...filter }) }
    } catch (cause) {
      return { error: HyperletterError.from(cause) }
    }
  }

  app.get('/feeds', async (c) => {
    const view = viewOf(reader, c)
    const newsletters = await operations.listNewsletters({})
    const body = feedsPage(feedAddresses(c.get('origin'), secretsOf(reader, c), newsletters))
    return show(c, view, { title: 'Feeds', place: 'feeds', wide: true, body })
  })

  app.get('/sign-out', (c) =>
    show(c, viewOf(reader, c), { title: 'Sign out', place: 'none', body: signOutPage() }),
  )

  app.get('/add', (c) => {
    const view = viewOf(reader, c)
    const link = (c.req.query('link') ?? '').slice(0, 512)
    return show(c, view, { title: 'Add a newsletter', place: 'add', body: addPage(view, { link }) })
  })

  return app
}

function notFound(): HyperletterError {
  return new HyperletterError('NEWSLETTER_NOT_FOUND', 'This newsletter is not in your library.')
}
