import { Hono } from 'hono'
import type { Context } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { HyperletterError } from '../../../errors.ts'
import type { Env, Reader } from '../context.ts'
import { localPath } from '../guard.ts'
import { addPage, type AddView } from '../pages/add.ts'
import { issuePath, newsletterPath, THEMES } from '../pages/parts.ts'
import { isSame } from '../secrets.ts'
import { show, viewOf } from './view.ts'

/** No form here has more than a link in it. */
const MAX_BODY_BYTES = 16 * 1_024

const YEAR_SECONDS = 365 * 24 * 60 * 60

type Fields = Readonly<Record<string, string>>

/** Everything that changes something: by POST, with the token that only our own pages hold. */
export function changingRoutes(reader: Reader): Hono<Env> {
  const app = new Hono<Env>()
  const { operations } = reader
  app.post('*', bodyLimit({ maxSize: MAX_BODY_BYTES, onError: (c) => c.text('Too large.\n', 413) }))

  app.post('/theme', async (c) => {
    const fields = await readForm(reader, c)
    const theme = THEMES.find((it) => it === fields['theme']) ?? 'auto'
    c.header('set-cookie', `theme=${theme}; Path=/; SameSite=Strict; Max-Age=${YEAR_SECONDS}`)
    return c.redirect(localPath(fields['back']), 303)
  })

  app.post('/add', async (c) => {
    const { link = '' } = await readForm(reader, c)
    const view = { ...viewOf(reader, c), path: '/add' }
    const found = await look(link, c.req.raw.signal)
    const page = { title: 'Add a newsletter', place: 'add', body: addPage(view, found) } as const
    return show(c, view, page, found.error === undefined ? 200 : 422)
  })

  app.post('/subscribe/:later{later}?', async (c) => {
    const { link = '' } = await readForm(reader, c)
    const isLater = c.req.param('later') !== undefined
    for await (const it of operations.subscribe({ link, wait: !isLater })) {
      if (it.event !== 'subscribed') continue
      // The first word is enough: whoever hosts the reader goes on downloading.
      const done = isLater ? 'later' : 'followed'
      return c.redirect(`${newsletterPath(it.feedKey)}?done=${done}`, 303)
    }
    throw new HyperletterError('INTERNAL', 'Subscribing gave no answer.')
  })

  app.post('/n/:key{[a-z0-9]{52}}/unsubscribe', async (c) => {
    await readForm(reader, c)
    await operations.unsubscribe({ newsletter: c.req.param('key') })
    return c.redirect('/newsletters?done=left', 303)
  })

  app.post('/n/:key{[a-z0-9]{52}}/:number{[1-9][0-9]{0,14}}/mark', async (c) => {
    const fields = await readForm(reader, c)
    const { key, number } = c.req.param()
    const { read, starred } = fields
    await operations.markIssue({
      newsletter: key,
      number: Number(number),
      ...(read === undefined ? {} : { read: read !== '0' }),
      ...(starred === undefined ? {} : { starred: starred !== '0' }),
    })
    return c.redirect(localPath(fields['back'] ?? issuePath(key, Number(number))), 303)
  })

  app.post('/n/:key{[a-z0-9]{52}}/read', async (c) => {
    await readForm(reader, c)
    const { key } = c.req.param()
    await operations.markIssues({ newsletter: key, read: true })
    return c.redirect(newsletterPath(key), 303)
  })

  return app

  async function look(link: string, signal: AbortSignal): Promise<AddView> {
    try {
      const trimmed = link.trim()
      return {
        link: trimmed,
        preview: await operations.previewNewsletter({ link: trimmed }, { signal }),
      }
    } catch (cause) {
      return { link, error: HyperletterError.from(cause) }
    }
  }
}

async function readForm(reader: Reader, c: Context<Env>): Promise<Fields> {
  const body = await c.req.parseBody()
  const fields = Object.fromEntries(
    Object.entries(body).filter((it): it is [string, string] => typeof it[1] === 'string'),
  )
  if (!isSame(fields['token'], reader.secrets.form)) {
    throw new HyperletterError('INVALID_INPUT', 'This form is too old, or not from this reader.', {
      hint: 'Load the page again.',
    })
  }
  return fields
}
