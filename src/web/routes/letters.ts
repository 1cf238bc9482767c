import { randomBytes } from 'node:crypto'
import { Hono } from 'hono'
import { LRUCache } from 'lru-cache'
import type { Input } from '../../api/contract/contract.ts'
import { HyperletterError } from '../../errors.ts'
import { admissionPage, lettersPage } from '../../site/pages/letter-queue.ts'
import { letterForm, type LetterDraft } from '../../site/pages/letters.ts'
import { slice } from '../../site/pages/lists.ts'
import { newsletterPath } from '../../site/pages/parts.ts'
import { show, viewOf, type Env, type Reader, type ReaderContext } from '../context.ts'
import { limited, readForm, type Fields } from '../forms.ts'

/** The longest letter as a form sends it: up to 12 bytes for a character. */
const MAX_BODY_BYTES = 128 * 1_024

/** Letters of which it is remembered that they were sent. */
const MAX_SENT = 64

const LETTERS = '/n/:key{[a-z0-9]{52}}/letters'

/**
 * Letters of readers: writing one, and deciding on them. For the machine itself: whoever has a device does not speak for
 * its user.
 */
export function letterRoutes(reader: Reader): Hono<Env> {
  const app = new Hono<Env>()
  const { operations } = reader
  const sent = new LRUCache<string, Promise<unknown>>({ max: MAX_SENT })
  const codes = new LRUCache<string, ReturnType<typeof operations.admitSenders>>({ max: MAX_SENT })

  app.get(LETTERS, async (c) => {
    const { key } = c.req.param()
    const view = viewOf(reader, c)
    const [[newsletter], letters] = await Promise.all([
      operations.listNewsletters({ newsletter: key }),
      operations.listLetters({ newsletter: key }),
    ])
    const body = lettersPage(view, {
      title: newsletter?.title,
      letters,
      published: slice(letters.published.toReversed(), c.req.query('page')),
      isOwn: newsletter?.roles.includes('author') === true,
      draft: newDraft(reader, c, key),
    })
    return show(c, view, { title: 'Letters', place: 'newsletters', kind: 'live', body })
  })

  app.post(LETTERS, limited(MAX_BODY_BYTES), async (c) => {
    const fields = await readForm(reader, c)
    const { key } = c.req.param()
    const { draft = '' } = fields
    try {
      const written = sent.get(draft) ?? operations.writeLetter({ ...letterIn(key, fields) })
      sent.set(draft, written)
      await written
      return c.redirect(`${newsletterPath(key)}/letters?done=written`, 303)
    } catch (cause) {
      sent.delete(draft)
      const view = { ...viewOf(reader, c), path: newsletterPath(key) }
      const typed = { ...newDraft(reader, c, key), ...draftIn(fields) }
      const body = letterForm(typed, HyperletterError.from(cause))
      return show(c, view, { title: 'Your letter', place: 'newsletters', body }, 422)
    }
  })

  app.post(`${LETTERS}/admit`, limited(MAX_BODY_BYTES), async (c) => {
    const { draft = '', revoke } = await readForm(reader, c)
    const { key: newsletter } = c.req.param()
    if (revoke !== undefined) {
      await operations.admitSenders({ newsletter, revoke: true })
      return c.redirect(`${newsletterPath(newsletter)}/letters?done=revoked`, 303)
    }
    const made = codes.get(draft) ?? operations.admitSenders({ newsletter })
    codes.set(draft, made)
    made.catch(() => codes.delete(draft))
    const { code = '' } = await made
    const body = admissionPage(newsletter, code)
    return show(c, viewOf(reader, c), { title: 'A code', place: 'newsletters', body })
  })

  app.post(`${LETTERS}/unblock`, limited(MAX_BODY_BYTES), async (c) => {
    const { sender: from = '' } = await readForm(reader, c)
    const { key } = c.req.param()
    await operations.decideLetters({ newsletter: key, unblock: [from] })
    return c.redirect(`${newsletterPath(key)}/letters`, 303)
  })

  app.post(`${LETTERS}/:number{[1-9][0-9]{0,14}}`, limited(MAX_BODY_BYTES), async (c) => {
    const fields = await readForm(reader, c)
    const { key, number } = c.req.param()
    const [done, decision] = decisionIn(fields, Number(number))
    await operations.decideLetters({ newsletter: key, ...decision })
    return c.redirect(`${newsletterPath(key)}/letters?done=${done}`, 303)
  })

  return app
}

/** An empty form for a letter. */
export function newDraft(
  reader: Reader,
  c: ReaderContext,
  feedKey: string,
  issue?: number,
): LetterDraft {
  const draft = randomBytes(8).toString('hex')
  return { feedKey, formToken: viewOf(reader, c).formToken, draft, issue }
}

/** What the author decided on a letter, and the code of what is said then. */
function decisionIn(
  fields: Fields,
  number: number,
): [string, Omit<Input<'decideLetters'>, 'newsletter'>] {
  const answer = textIn(fields, 'answer')
  switch (fields['decision']) {
    case 'accept':
      return ['accepted', { accept: [{ number, ...(answer !== '' && { answer }) }] }]
    case 'answer':
      return ['answered', { answers: [{ number, answer }] }]
    case 'take-back':
      return ['withdrawn', { withdraw: [{ number }] }]
    case 'withdraw':
      return [
        'withdrawn',
        { withdraw: [{ number: Number(fields['withdraw']) }], decline: [number] },
      ]
    case 'block':
      return ['blocked', { block: [number] }]
    default:
      return ['declined', { decline: [number] }]
  }
}

function draftIn(fields: Fields) {
  const { text, as, issue, letter, code } = fields
  return {
    text,
    as,
    code,
    private: fields['private'] !== undefined,
    issue: issue ? Number(issue) : undefined,
    letter: letter ? Number(letter) : undefined,
  }
}

function letterIn(newsletter: string, fields: Fields) {
  const { withdraw } = fields
  return {
    ...draftIn(fields),
    newsletter,
    text: textIn(fields, 'text') || undefined,
    as: textIn(fields, 'as') || undefined,
    code: textIn(fields, 'code') || undefined,
    withdraw: withdraw === undefined ? undefined : Number(withdraw),
    // Its page says who took it.
    waitSeconds: 0,
  }
}

function textIn(fields: Fields, name: string): string {
  return (fields[name] ?? '').trim().replaceAll('\r\n', '\n')
}
