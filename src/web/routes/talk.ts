import { setTimeout as wait } from 'node:timers/promises'
import { Hono } from 'hono'
import { closedTalkPage, talkPage, type ShownLine } from '../../site/pages/talk.ts'
import { newsletterPath } from '../../site/pages/parts.ts'
import { show, viewOf, type Env, type Reader } from '../context.ts'
import { readForm } from '../forms.ts'
import { eventsFor } from './events.ts'

/** Pages that may follow a conversation at the same moment. */
const MAX_FOLLOWERS = 16

/** Lines that come together are shown together. */
const GATHER_MS = 200

const TALK = '/n/:key{[a-z0-9]{52}}/talk'

/** The conversation of a newsletter. For the machine itself, as letters are. */
export function talkRoutes(reader: Reader): Hono<Env> {
  const app = new Hono<Env>()
  const { operations } = reader
  const events = eventsFor(reader, MAX_FOLLOWERS)

  app.get(TALK, async (c) => {
    const { key } = c.req.param()
    const view = viewOf(reader, c)
    const [newsletter] = await operations.listNewsletters({ newsletter: key })
    const page = { title: 'Conversation', place: 'newsletters' } as const
    if (newsletter?.conversation !== true) {
      return show(c, view, { ...page, body: closedTalkPage(key, newsletter?.title) }, 404)
    }
    const { lines, peers } = await said(key)
    const as = (c.req.query('as') ?? '').slice(0, 64)
    const body = talkPage(view, { feedKey: key, title: newsletter.title, lines, peers, as })
    return show(c, view, { ...page, body })
  })

  app.get(`${TALK}/events`, (c) =>
    events(c, async (out, signal) => {
      try {
        await out.write(': \n\n')
        const talk = operations.followTalk({ newsletter: c.req.param('key') }, { signal })
        for await (const { event } of talk) {
          await out.writeSSE({ event: 'changed', data: event })
          await wait(GATHER_MS, undefined, { signal })
        }
      } catch (error) {
        if (!signal.aborted) throw error
      }
    }),
  )

  app.post(TALK, async (c) => {
    const { text = '', as = '' } = await readForm(reader, c)
    const { key } = c.req.param()
    const name = as.trim() || undefined
    await operations.sayLine({ newsletter: key, text: text.trim(), as: name })
    const query = name === undefined ? '' : `?${new URLSearchParams({ as: name }).toString()}`
    return c.redirect(`${newsletterPath(key)}/talk${query}`, 303)
  })

  app.post(`${TALK}/hide`, async (c) => {
    const { sender: from = '' } = await readForm(reader, c)
    const { key } = c.req.param()
    await operations.hideSpeaker({ newsletter: key, from })
    return c.redirect(`${newsletterPath(key)}/talk`, 303)
  })

  return app

  // What is there when it is asked for.
  async function said(newsletter: string) {
    const lines: ShownLine[] = []
    for await (const it of operations.followTalk({ newsletter })) {
      if (it.event === 'now') return { lines, peers: it.peers }
      lines.push(it)
    }
    return { lines, peers: 0 }
  }
}
