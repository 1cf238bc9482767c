import { arrayBuffer } from 'node:stream/consumers'
import { Hono } from 'hono'
import { withoutTitle } from '../../site/pages/content.ts'
import { attachmentPath } from '../../site/pages/parts.ts'
import { previewPage, VIEWS, type PreviewView } from '../../site/pages/preview.ts'
import { entryOf } from '../../site/syndication/document.ts'
import { renderIssue } from '../../text-worker/text-worker.ts'
import { show, viewOf, type Env, type Reader } from '../context.ts'
import { localTime, localZone } from '../local-time.ts'
import { fingerprint } from '../previews.ts'
import { textOf } from '../uploads.ts'
import { eventsFor } from './events.ts'
import { FILE_POLICY, pictureType } from './files.ts'

/** Pages that may follow drafts at the same moment. */
const MAX_FOLLOWERS = 8

const ID = '/preview/:id{[0-9a-f]{32}}'

/** A draft as readers will see it, live while it changes. */
export function previewRoutes(reader: Reader): Hono<Env> {
  const app = new Hono<Env>()
  const { previews } = reader
  const events = eventsFor(reader, MAX_FOLLOWERS)

  app.get(ID, async (c) => {
    const { id } = c.req.param()
    const view = viewOf(reader, c)
    const outcome = await previews.outcome(id)
    if (outcome !== undefined) return c.redirect(outcome.path, 303)
    const state = await previews.state(id)
    const as = VIEWS.find((it) => it === c.req.query('as')) ?? 'desk'
    const path = `/preview/${id}`
    let shown: PreviewView['shown']
    if (state.event === 'preview') {
      const { issue, revision } = state
      const names = new Set(issue.attachments.map((it) => it.name))
      // Under the same address, a browser shows the picture that it has.
      const urlOf = (name: string) => `${attachmentPath(path, name)}?v=${revision}`
      const html = await renderIssue(issue, {
        attachmentUrl: (name) => (names.has(name) ? urlOf(name) : undefined),
      })
      const entry = entryOf(issue, '', html, urlOf)
      shown = { ...state, content: withoutTitle(html, issue.title), entry }
    }
    const title = shown === undefined ? 'Draft' : `Draft: ${shown.issue.title}`
    const refused = state.event === 'refused' ? state : undefined
    const upload = previews.upload(id)
    const publishing = {
      seen: fingerprint(state),
      isUpload: upload !== undefined,
      text: upload && (await textOf(upload)),
      amends: previews.request(id).amends,
      holdSeconds: reader.holdSeconds,
      zone: localZone(),
      publishAt: shown?.publishAt && localTime(shown.publishAt),
    }
    const body = previewPage(view, { path, as, shown, refused, publishing })
    return show(c, view, { title, place: 'none', kind: 'preview', wide: true, body })
  })

  app.get(`${ID}/events`, (c) =>
    events(c, async (out, signal) => {
      for await (const { event } of previews.follow(c.req.param('id'), signal)) {
        await out.writeSSE({ event: 'changed', data: event })
      }
    }),
  )

  app.get(`${ID}/files/:name{.+}`, async (c) => {
    const { id, name } = c.req.param()
    const bytes = await arrayBuffer(previews.file(id, name))
    c.header('content-type', pictureType(name) ?? 'application/octet-stream')
    c.header('content-security-policy', FILE_POLICY)
    return c.body(bytes)
  })

  return app
}
