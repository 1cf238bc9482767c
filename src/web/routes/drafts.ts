import { Hono } from 'hono'
import type { Input } from '../../api/contract/contract.ts'
import { HyperletterError, invalidInput } from '../../errors.ts'
import { issuePath } from '../../site/pages/parts.ts'
import { writePage } from '../../site/pages/write.ts'
import { show, viewOf, type Env, type Reader, type ReaderContext } from '../context.ts'
import { limited, readFiles, readForm, type Fields } from '../forms.ts'
import { localTime } from '../local-time.ts'
import { fingerprint, type DraftOutcome, type PreviewRequest } from '../previews.ts'
import { textOf, withLineFeeds } from '../uploads.ts'

/** Text and pictures of one draft as a browser sends them, which are in memory at once. */
const MAX_DRAFT_BODY_BYTES = 64 * 1_024 * 1_024

const ID = '/preview/:id{[0-9a-f]{32}}'

/** Drafts: sent, changed, published. For the machine itself: no device is let near them. */
export function draftRoutes(reader: Reader): Hono<Env> {
  const app = new Hono<Env>()
  const { operations, previews } = reader
  const { uploads } = previews
  const large = limited(MAX_DRAFT_BODY_BYTES)

  app.get('/write', (c) => write(reader, c))

  app.post('/write', large, async (c) => {
    const { to = '', text = '' } = await readForm(reader, c)
    try {
      const upload = await uploads.add(await readFiles(c, 'files'), withLineFeeds(text))
      const newsletter = to === '' ? {} : { newsletter: to }
      return c.redirect(previews.add({ ...newsletter, draft: { file: upload } }, upload), 303)
    } catch (cause) {
      return write(reader, c, { to, text, error: HyperletterError.from(cause) })
    }
  })

  app.post(`${ID}/text`, large, async (c) => {
    const { id } = c.req.param()
    const fields = await readForm(reader, c)
    await change(reader, c, id, fields)
    return c.redirect(`/preview/${id}`, 303)
  })

  app.post(`${ID}/publish`, large, async (c) => {
    const { id } = c.req.param()
    const fields = await readForm(reader, c)
    const before = await previews.outcome(id)
    if (before !== undefined) return c.redirect(before.path, 303)
    if (await change(reader, c, id, fields)) return c.redirect(`/preview/${id}?done=changed`, 303)
    const { path } = await previews.settle(id, (request) => publish(reader, id, request, fields))
    return c.redirect(path, 303)
  })

  app.post('/scheduled/:id{[0-9a-f]{8}}/cancel', limited(MAX_DRAFT_BODY_BYTES), async (c) => {
    await readForm(reader, c)
    const { id } = c.req.param()
    // Pressed twice, or too late: the page says what became of it.
    const waits = (await operations.listScheduled({})).some(
      (it) => it.id === id && it.published === undefined,
    )
    if (!waits) return c.redirect('/write', 303)
    await operations.cancelScheduled({ draft: id })
    const back = (await previews.cancelled(id)) ?? '/write'
    return c.redirect(`${back}?done=cancelled`, 303)
  })

  return app
}

async function write(
  reader: Reader,
  c: ReaderContext,
  failed: { readonly to?: string; readonly text?: string; readonly error?: HyperletterError } = {},
): Promise<Response> {
  const { operations } = reader
  const [newsletters, scheduled] = await Promise.all([
    operations.listNewsletters({}),
    operations.listScheduled({}),
  ])
  const own = newsletters.filter((it) => it.roles.includes('author'))
  const view = { ...viewOf(reader, c), path: '/write' }
  const to = failed.to ?? c.req.query('to') ?? ''
  const body = writePage(view, { own, scheduled, ...failed, to, local: localTime })
  const page = { title: 'Write', place: 'write', kind: 'live', body } as const
  return show(c, view, page, failed.error === undefined ? 200 : 422)
}

/** Keeps what was typed or added. @returns whether anything was */
async function change(
  { previews }: Reader,
  c: ReaderContext,
  id: string,
  { text }: Fields,
): Promise<boolean> {
  const upload = previews.upload(id)
  if (upload === undefined) return false
  const files = await readFiles(c, 'files')
  const typed = text === undefined ? undefined : withLineFeeds(text)
  const before = await textOf(upload)
  const isTyped = typed !== undefined && typed !== before
  if (!isTyped && files.length === 0) return false
  previews.moved(id, await previews.uploads.change(upload, files, typed ?? before ?? ''))
  return true
}

/** Publishes what was seen, and nothing else. */
async function publish(
  { operations, previews, holdSeconds }: Reader,
  id: string,
  { draft, newsletter, amends }: PreviewRequest,
  fields: Fields,
): Promise<DraftOutcome> {
  const { uploads } = previews
  const upload = previews.upload(id)
  if (upload !== undefined) await uploads.date(upload)
  const state = await previews.state(id, true)
  if (state.event === 'refused') throw refusal(state.message, state.hint)
  if (fingerprint(state) !== fields['seen'])
    throw refusal('The draft is not what this page showed.', 'Look at it again, then publish it.')
  const { issue, findings } = state
  if (findings.length > 0 && fields['anyway'] === undefined)
    throw refusal('Something looks wrong with it.', 'Say that it is to be published all the same.')
  const include = [...(draft.include ?? []), ...findings.flatMap((it) => it.include ?? [])]
  const given = { newsletter, draft: { ...draft, include } }
  const done = async (outcome: DraftOutcome): Promise<DraftOutcome> => {
    if (upload !== undefined && outcome.scheduled === undefined) await uploads.remove(upload)
    return outcome
  }
  if (amends !== undefined) {
    const note = fields['note']?.trim() || undefined
    const { feedKey } = await operations.amendIssue({ ...given, number: amends, note })
    return done({ path: `${issuePath(feedKey, amends)}?done=amended` })
  }
  const again = findings.some((it) => it.number !== undefined)
  const input = { ...given, again, ...timeOf(fields, holdSeconds) }
  for await (const it of operations.publishIssue(input)) {
    if (it.event === 'scheduled') return done({ path: '/write?done=scheduled', scheduled: it.id })
    if (it.event === 'published')
      return done({ path: `${issuePath(it.feedKey, it.number)}?done=published` })
  }
  throw new HyperletterError('INTERNAL', `Nothing became of ${issue.title}.`)
}

/** When it is to be published, as the form says; at once where nothing publishes it later. @throws INVALID_INPUT */
export function timeOf(
  { when, at = '' }: Fields,
  holdSeconds: number | undefined,
): Pick<Input<'publishIssue'>, 'at' | 'holdSeconds'> {
  if (holdSeconds === undefined) return {}
  if (when === 'at') {
    // Without a zone it is local time, and the browser is on this machine.
    const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?$/.test(at) ? Date.parse(at) : Number.NaN
    if (Number.isNaN(time)) throw refusal('There is no time.', 'Choose a date and a time.')
    return { at: new Date(time).toISOString() }
  }
  if (at !== '')
    throw refusal('There is a time, and it is not chosen.', 'Choose it, or leave it empty.')
  return when === 'now' ? {} : { holdSeconds }
}

function refusal(message: string, hint?: string): HyperletterError {
  return invalidInput(message, { hint })
}
