import { Hono } from 'hono'
import { stream } from 'hono/streaming'
import { HyperletterError } from '../../errors.ts'
import { mediaTypeOf } from '../../sources/media-types.ts'
import { safeFileName } from '../../render/file-name.ts'
import { secretsOf, type Env, type Reader, type ReaderContext } from '../context.ts'
import { isSame } from '../state.ts'

/**
 * Pictures that a browser draws. SVG can hold scripts and links, but as a picture it runs and loads nothing, and opened
 * by itself it does so in a sandbox.
 */
const PICTURES = new Set([
  'image/png',
  'image/jpeg',
  'image/gif',
  'image/webp',
  'image/avif',
  'image/apng',
  'image/svg+xml',
])

/** What other programs play or show, and no browser takes for a page. */
const TYPES = /^(?:(?:audio|video)\/[a-z\d.+-]{1,40}|application\/(?:pdf|epub\+zip))$/

/** What a file that is opened by itself may do: be drawn, with its own styles. */
export const FILE_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"

/** The media type of a picture that a browser draws, by its name. */
export function pictureType(name: string): string | undefined {
  const type = mediaTypeOf(name)
  return PICTURES.has(type) ? type : undefined
}

const ISSUE = '/:key{[a-z0-9]{52}}/:number{[1-9][0-9]{0,14}}/files/:name{.+}'

/** The style sheet, the script and the icon. They tell nothing, so they need no session. */
export function assetRoutes({ assets }: Reader): Hono<Env> {
  const app = new Hono<Env>()
  for (const asset of Object.values(assets) as (typeof assets.style)[]) {
    app.get(asset.path, (c) => {
      c.header('content-type', asset.mediaType)
      c.header('cache-control', 'public, max-age=31536000, immutable')
      return c.body(asset.bytes)
    })
  }
  return app
}

/** Attachments, by the names in the signed record and no other. */
export function attachmentRoutes(reader: Reader): Hono<Env> {
  const app = new Hono<Env>()
  app.get(`/n${ISSUE}`, (c) => serve(reader, c, c.req.param()))
  return app
}

/** Pictures of feeds, for apps that show them in pages of their own. */
export function feedPictureRoutes(reader: Reader): Hono<Env> {
  const app = new Hono<Env>()
  app.get(`/feeds/pictures/:token${ISSUE}`, (c) => {
    const { token, ...place } = c.req.param()
    if (!isSame(token, secretsOf(reader, c).pictures(place.key))) return c.notFound()
    c.header('cross-origin-resource-policy', 'cross-origin')
    return serve(reader, c, place)
  })
  return app
}

async function serve(
  { operations }: Reader,
  c: ReaderContext,
  place: { readonly key: string; readonly number: string; readonly name: string },
): Promise<Response> {
  const newsletter = place.key
  const number = Number(place.number)
  const [{ attachments }, newsletters] = await Promise.all([
    operations.readIssue({ newsletter, number }),
    operations.listNewsletters({}),
  ])
  const isPublic = newsletters.some((it) => it.feedKey === newsletter && !it.private)
  const attachment = attachments.find((it) => it.name === place.name)
  if (attachment === undefined) {
    throw new HyperletterError('ISSUE_NOT_FOUND', 'The issue has no attachment of this name.')
  }
  const { name, mediaType, bytes } = attachment
  const isPicture = PICTURES.has(mediaType)
  const isKnown = isPicture || TYPES.test(mediaType)
  c.header('content-type', isKnown ? mediaType : 'application/octet-stream')
  c.header('content-length', String(bytes))
  c.header('content-security-policy', FILE_POLICY)
  c.header('content-disposition', `${isPicture ? 'inline' : 'attachment'}; ${fileName(name)}`)
  // What only some may read must not lie in the cache of a browser.
  c.header('cache-control', isPublic ? 'private, max-age=3600' : 'no-store')
  if (c.req.method === 'HEAD') return c.body(null)
  const abort = new AbortController()
  const parts = operations.readAttachment({ newsletter, number, name }, { signal: abort.signal })
  // The first part before the head, so that a failure still has a status of its own.
  const iterator = parts[Symbol.asyncIterator]()
  const first = await iterator.next()
  return stream(c, async (out) => {
    out.onAbort(() => abort.abort())
    try {
      for (let it = first; it.done !== true && !out.aborted; it = await iterator.next()) {
        await out.write(it.value)
      }
    } finally {
      // What reads it holds the newsletter open until then.
      await iterator.return?.()
    }
  })
}

// The last part of the name is all that a browser may call the file.
function fileName(name: string): string {
  const last = safeFileName(name.split(/[/\\]/).at(-1) ?? '')
  const ascii = last.replace(/[^\w.-]/g, '_')
  const encoded = encodeURIComponent(last).replace(
    /['()*]/g,
    (it) => `%${it.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  return `filename="${ascii}"; filename*=UTF-8''${encoded}`
}
