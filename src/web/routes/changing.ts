import { LRUCache } from 'lru-cache'
import { randomBytes } from 'node:crypto'
import { Hono } from 'hono'
import type { Context } from 'hono'
import { HyperletterError, invalidInput } from '../../errors.ts'
import type { Output } from '../../api/contract/contract.ts'
import { MAX_OPML_LENGTH } from '../../api/kinds.ts'
import { localPath, show, viewOf, type Env, type Reader } from '../context.ts'
import { addPage, importedPage, type AddView } from '../../site/pages/add.ts'
import { issuePath, LOOKS, newsletterPath, THEMES } from '../../site/pages/parts.ts'
import { limited, readFiles, readForm } from '../forms.ts'

/** No form here has more than a link in it, but for that which takes a list. */
const MAX_BODY_BYTES = 16 * 1_024
const MAX_LIST_BODY_BYTES = 2 * MAX_OPML_LENGTH + MAX_BODY_BYTES

const YEAR_SECONDS = 365 * 24 * 60 * 60

/** Everything that changes something: by POST, with the token that only our own pages hold. */
export function changingRoutes(reader: Reader): Hono<Env> {
  const app = new Hono<Env>()
  const { operations } = reader
  /** What was marked as read at once. */
  const undos = new LRUCache<string, Output<'markAllRead'>>({ max: MAX_UNDOS })
  const keep = (marked: Output<'markAllRead'>) => {
    const id = randomBytes(8).toString('hex')
    undos.set(id, marked)
    return id
  }
  app.post('/import', limited(MAX_LIST_BODY_BYTES), async (c) => {
    const page = { title: 'Add newsletters', place: 'add' } as const
    const view = { ...viewOf(reader, c), path: '/add' }
    try {
      const opml = await readList(reader, c)
      const imported = await operations.importOpml({ opml }, { signal: c.req.raw.signal })
      return await show(c, view, { ...page, body: importedPage(imported) })
    } catch (cause) {
      const body = addPage(view, { link: '', listError: HyperletterError.from(cause) })
      return show(c, view, { ...page, body }, 422)
    }
  })

  app.post('*', limited(MAX_BODY_BYTES))

  app.post('/theme', async (c) => {
    const fields = await readForm(reader, c)
    const theme = THEMES.find((it) => it === fields['theme']) ?? 'auto'
    c.header('set-cookie', `theme=${theme}; Path=/; SameSite=Strict; Max-Age=${YEAR_SECONDS}`)
    return c.redirect(localPath(fields['back']), 303)
  })

  app.post('/look', async (c) => {
    const fields = await readForm(reader, c)
    for (const [name, values] of Object.entries(LOOKS)) {
      const value = values.find((it) => it === fields[name])
      if (value === undefined) continue
      const cookie = `${name}=${value}; Path=/; SameSite=Strict; Max-Age=${YEAR_SECONDS}`
      c.header('set-cookie', cookie, { append: true })
    }
    return c.redirect(localPath(fields['back']), 303)
  })

  app.post('/sign-out', async (c) => {
    await readForm(reader, c)
    await reader.signOut()
    return c.redirect('/', 303)
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

  app.post('/n/:key{[a-z0-9]{52}}/name', async (c) => {
    const { name = '' } = await readForm(reader, c)
    const { key } = c.req.param()
    await operations.nameNewsletter({ newsletter: key, name: name.trim() || undefined })
    return c.redirect(newsletterPath(key), 303)
  })

  app.post('/n/:key{[a-z0-9]{52}}/verify', async (c) => {
    await readForm(reader, c)
    const { key } = c.req.param()
    await operations.verifyNames({ newsletter: key }, { signal: c.req.raw.signal })
    return c.redirect(`${newsletterPath(key)}#about`, 303)
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
    const marked = await operations.markAllRead({ newsletter: key })
    return c.redirect(`${newsletterPath(key)}?done=read&undo=${keep(marked)}`, 303)
  })

  app.post('/read', async (c) => {
    const fields = await readForm(reader, c)
    const marked = await operations.markAllRead({ newsletter: fields['in'] || undefined })
    return c.redirect(`/?done=read&undo=${keep(marked)}`, 303)
  })

  app.post('/undo/:id{[0-9a-f]{16}}', async (c) => {
    await readForm(reader, c)
    const id = c.req.param('id')
    const marked = undos.get(id) ?? []
    undos.delete(id)
    for (const { feedKey, numbers } of marked) {
      await operations.markIssues({ newsletter: feedKey, numbers, read: false })
    }
    return c.redirect('/', 303)
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

/** As many times as somebody may have marked everything as read, and take it back. */
const MAX_UNDOS = 8

async function readList(reader: Reader, c: Context<Env>): Promise<string> {
  const { opml = '' } = await readForm(reader, c)
  const [file] = await readFiles(c, 'file')
  const text = file !== undefined && file.size > 0 ? await file.text() : opml
  if (text.trim() !== '') return text
  throw invalidInput('There is no list: choose a file, or paste its text.')
}
