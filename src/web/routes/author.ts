import { arrayBuffer } from 'node:stream/consumers'
import { Hono } from 'hono'
import type { Input, Operations, Output } from '../../api/contract/contract.ts'
import { letterSenders } from '../../api/contract/letters.ts'
import { parseDomain } from '../../format/records/text.ts'
import { parseSupport } from '../../format/support.ts'
import { HyperletterError } from '../../errors.ts'
import { authorOf, profilePage, retractPage } from '../../site/pages/author.ts'
import { issuePath, newsletterPath } from '../../site/pages/parts.ts'
import { writeHead } from '../../sources/head.ts'
import { show, viewOf, type Env, type Reader } from '../context.ts'
import { readForm, type Fields } from '../forms.ts'
import type { UploadedFile } from '../uploads.ts'

const NEWSLETTER = '/n/:key{[a-z0-9]{52}}'
const ISSUE = `${NEWSLETTER}/:number{[1-9][0-9]{0,14}}`

/** What an author changes afterwards. For the machine itself: no device is let near it. */
export function authorRoutes(reader: Reader): Hono<Env> {
  const app = new Hono<Env>()
  const { operations, previews } = reader

  app.get(`${NEWSLETTER}/edit`, async (c) => {
    const view = viewOf(reader, c)
    const profile = await operations.editNewsletter({ newsletter: c.req.param('key') })
    const page = {
      title: 'Profile',
      place: 'newsletters',
      body: profilePage(view, profile),
    } as const
    return show(c, view, page)
  })

  app.post(`${NEWSLETTER}/edit`, async (c) => {
    const fields = await readForm(reader, c)
    const { key } = c.req.param()
    try {
      const { changed } = await operations.editNewsletter({ newsletter: key, ...profileIn(fields) })
      return c.redirect(`${newsletterPath(key)}?done=${changed ? 'edited' : 'same'}`, 303)
    } catch (cause) {
      const view = { ...viewOf(reader, c), path: newsletterPath(key) }
      const body = profilePage(view, { feedKey: key, ...fields }, HyperletterError.from(cause))
      return show(c, view, { title: 'Profile', place: 'newsletters', body }, 422)
    }
  })

  app.post(`${ISSUE}/amend`, async (c) => {
    await readForm(reader, c)
    const newsletter = c.req.param('key')
    const amends = Number(c.req.param('number'))
    const issue = await operations.readIssue({ newsletter, number: amends })
    const files = issue.attachments.map((it) => attached(operations, newsletter, amends, it))
    const upload = await previews.uploads.take(`${writeHead(issue)}${issue.markdown}`, files)
    return c.redirect(previews.add({ newsletter, amends, draft: { file: upload } }, upload), 303)
  })

  app.get(`${ISSUE}/retract`, async (c) => {
    const view = viewOf(reader, c)
    const { key, number } = c.req.param()
    const issue = await operations.readIssue({ newsletter: key, number: Number(number) })
    const page = { title: `Retract: ${issue.title}`, place: 'none' } as const
    return show(c, view, { ...page, body: retractPage(view, issue) })
  })

  app.post(`${ISSUE}/retract`, async (c) => {
    const { reason = '', sure } = await readForm(reader, c)
    const { key, number: text } = c.req.param()
    const number = Number(text)
    const path = issuePath(key, number)
    if (sure === undefined) return c.redirect(`${path}/retract`, 303)
    const { retracted } = await operations.readIssue({ newsletter: key, number })
    const said = { newsletter: key, number, reason: reason.trim() || undefined }
    if (retracted === undefined) await operations.retractIssue(said)
    return c.redirect(`${path}?done=retracted`, 303)
  })

  return app
}

// A conversation needs letters. A form without the question changes nothing of that.
function lettersIn(fields: Fields): Pick<Input<'editNewsletter'>, 'letters' | 'talk' | 'work'> {
  if (fields['letters'] === undefined) return {}
  const talk = fields['talk'] !== undefined
  const letters = letterSenders.safeParse(fields['letters']).data ?? 'nobody'
  if (letters === 'nobody' && !talk) return { letters, talk }
  const work = fields['work']?.trim() ?? ''
  return {
    letters: letters === 'nobody' ? 'anyone' : letters,
    talk,
    ...(work !== '' && { work: Number(work) }),
  }
}

function attached(
  operations: Operations,
  newsletter: string,
  number: number,
  { name, bytes }: Output<'readIssue'>['attachments'][number],
): UploadedFile {
  const read = () => arrayBuffer(operations.readAttachment({ newsletter, number, name }))
  return { name, size: bytes, arrayBuffer: read }
}

/** What a form says of a newsletter; what is empty is removed. @throws INVALID_INPUT */
export function profileIn(fields: Fields): Omit<Input<'editNewsletter'>, 'newsletter'> {
  const { title = '' } = fields
  const texts = ['description', 'language', 'website', 'license'] as const
  const said = (name: string) => fields[name]?.trim().replaceAll('\r\n', '\n') ?? ''
  const lines = (name: string) =>
    said(name)
      .split(/[\r\n]+/)
      .filter((it) => it.trim() !== '')
  const [named, payments, domains] = [lines('authors'), lines('support'), lines('names')]
  const remove = ([...texts, 'authors', 'support', 'names'] as const).filter(
    (it) => said(it) === '',
  )
  return {
    title: title.trim(),
    ...Object.fromEntries(texts.flatMap((it) => (said(it) === '' ? [] : [[it, said(it)]]))),
    ...(named.length > 0 ? { authors: named.map(authorOf) } : {}),
    ...(payments.length > 0 ? { support: payments.map(parseSupport) } : {}),
    ...(domains.length > 0 ? { names: domains.map((it) => parseDomain(it) ?? it) } : {}),
    remove,
    ...lettersIn(fields),
  }
}
