import { Hono } from 'hono'
import { HyperletterError } from '../errors.ts'
import {
  loadAssets,
  localPath,
  show,
  viewOf,
  type Env,
  type Reader,
  type ReaderContext,
} from './context.ts'
import { Admission } from './admission.ts'
import { guard, sessionCookie } from './guard.ts'
import {
  deviceDoorPage,
  doorPage,
  enteredPage,
  problemPage,
  problemTitle,
} from '../site/pages/problem.ts'
import { KeptTexts, RenderCache } from './render-cache.ts'
import { authorRoutes } from './routes/author.ts'
import { changingRoutes } from './routes/changing.ts'
import { draftRoutes } from './routes/drafts.ts'
import { eventRoutes } from './routes/events.ts'
import { feedRoutes } from './routes/feeds.ts'
import { assetRoutes, attachmentRoutes, feedPictureRoutes } from './routes/files.ts'
import { letterRoutes } from './routes/letters.ts'
import { googleReaderRoutes } from './routes/google-reader.ts'
import { previewRoutes } from './routes/preview.ts'
import { readingRoutes } from './routes/reading.ts'
import { seedingRoutes } from './routes/seeding.ts'
import { talkRoutes } from './routes/talk.ts'

/**
 * The web reader: pages, feeds and pictures over `Operations`. Listens to nobody itself; whoever
 * serves it must do so on a loopback address only.
 */
export function createReader(options: Omit<Reader, 'admission' | 'assets'>): Hono<Env> {
  const admission = new Admission(options.operations)
  const reader: Reader = { ...options, admission, assets: loadAssets() }
  const rendered = new RenderCache()
  const kept = new KeptTexts()
  const app = new Hono<Env>()
  app.use(guard(reader))

  // What needs no session comes first.
  app.route('/', assetRoutes(reader))
  app.get('/enter', (c) => enter(reader, c))
  app.route('/', feedPictureRoutes(reader))
  app.route('/', feedRoutes(reader, kept))
  app.route('/', googleReaderRoutes(reader, kept))

  app.use(async (c, next) => (c.get('session') ? next() : door(reader, c, false)))
  app.route('/', draftRoutes(reader))
  app.route('/', letterRoutes(reader))
  app.route('/', changingRoutes(reader))
  app.route('/', authorRoutes(reader))
  app.route('/', talkRoutes(reader))
  app.route('/', seedingRoutes(reader))
  app.route('/', attachmentRoutes(reader))
  app.route('/', eventRoutes(reader))
  app.route('/', previewRoutes(reader))
  app.route('/', readingRoutes(reader, rendered))

  app.notFound((c) => {
    const error = new HyperletterError('ISSUE_NOT_FOUND', 'There is nothing at this address.')
    return problem(reader, c, error, 404)
  })
  app.onError((cause, c) => {
    const error = HyperletterError.from(cause)
    return problem(reader, c, error, statusOf(error))
  })
  return app
}

function enter(reader: Reader, c: ReaderContext): Response | Promise<Response> {
  const to = localPath(c.req.query('to'))
  // A device brings its token each time; the guard has looked at it.
  if (c.env?.isRemote === true || !reader.secrets.spend(c.req.query('token') ?? '')) {
    if (!c.get('session')) return door(reader, c, true)
  } else c.header('set-cookie', sessionCookie(reader))
  // A browser that came from a file sends its cookie only to what a page of our own leads to.
  if (c.req.header('sec-fetch-site') === 'cross-site') {
    return c.html(enteredPage(to, viewOf(reader, c).stylePath))
  }
  return c.redirect(to, 303)
}

function door(reader: Reader, c: ReaderContext, used: boolean): Response | Promise<Response> {
  const { path, stylePath } = viewOf(reader, c)
  const isPage = c.req.method === 'GET' && !c.req.path.startsWith('/enter')
  const isRemote = c.env?.isRemote === true
  const page = isRemote ? deviceDoorPage(stylePath) : doorPage(isPage ? path : '/', stylePath, used)
  return c.html(page, 401)
}

function problem(
  reader: Reader,
  c: ReaderContext,
  error: HyperletterError,
  status: 404 | 422 | 500 | 503,
): Response | Promise<Response> {
  if (!c.get('session')) return c.text(`${problemTitle(error)}\n`, status)
  const body = problemPage(error, c.req.path)
  return show(c, viewOf(reader, c), { title: problemTitle(error), place: 'none', body }, status)
}

function statusOf(error: HyperletterError): 404 | 422 | 500 | 503 {
  if (error.code === 'NEWSLETTER_NOT_FOUND' || error.code === 'ISSUE_NOT_FOUND') return 404
  if (error.exitCode === 3) return 503
  return error.httpStatus >= 500 ? 500 : 422
}
