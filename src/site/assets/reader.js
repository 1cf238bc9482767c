// What pages gain with a script. Each of them works without.
import { all, one, press, pressAloud, refresh, say, sendForm } from './page.js'

const kind = document.body.dataset.kind

// ── Arrivals ─────────────────────────────────────────────────────────────────────────────────────

let waiting

// A whole archive may arrive at once: the list is asked for once in a while, not for each issue.
function refreshSoon() {
  if (kind !== 'list') return
  waiting ??= setTimeout(() => {
    waiting = undefined
    refresh().catch(() => undefined)
  }, 250)
}

// Of all visible pages one listens and passes on what it hears: a browser opens six connections to a host,
// and a stream for each tab would leave none to load pages. Hidden pages listen to nothing.
let leave
let lost = false

function onNews({ type, issue: arrived }) {
  if (type === 'issue') {
    const { feedKey, number, title, newsletter } = arrived
    say(`New: ${title} (${newsletter})`, `/n/${feedKey}/${number}`)
    refreshSoon()
  } else if (type === 'open') {
    document.documentElement.dataset.connected = ''
    if (!lost) return
    lost = false
    say('The reader is back.')
    refreshSoon()
  } else if (type === 'lost') {
    delete document.documentElement.dataset.connected
    if (lost) return
    lost = true
    say('The reader does not answer. What is on this page stays readable.')
  }
}

function join() {
  if (leave || document.visibilityState !== 'visible') return
  const end = new AbortController()
  const { signal } = end
  const channel = new BroadcastChannel('arrivals')
  let events
  leave = () => {
    leave = undefined
    end.abort()
    events?.close()
    channel.close()
    delete document.documentElement.dataset.connected
  }
  channel.addEventListener('message', ({ data }) => {
    if (data.type !== 'hello') onNews(data)
    else if (events) send({ type: events.readyState === EventSource.OPEN ? 'open' : 'lost' })
  })
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel has one origin
  const send = (news) => channel.postMessage(news)
  send({ type: 'hello' })
  const tell = (news) => {
    if (signal.aborted) return
    onNews(news)
    send(news)
  }
  const listen = () => {
    events = new EventSource('/events')
    events.addEventListener('issue', ({ data }) => tell({ type: 'issue', issue: JSON.parse(data) }))
    events.addEventListener('open', () => tell({ type: 'open' }))
    events.addEventListener('error', () => {
      if (events.readyState === EventSource.CLOSED) leave?.()
      else tell({ type: 'lost' })
    })
    return new Promise((resolve) => signal.addEventListener('abort', resolve))
  }
  // Only secure origins have locks: at others each visible page listens by itself.
  if (navigator.locks)
    navigator.locks.request('arrivals', { signal }, listen).catch(() => undefined)
  else void listen()
}

join()
addEventListener('pagehide', () => leave?.())
// A page that comes back as it was left listens again, and shows what changed meanwhile.
addEventListener('pageshow', ({ persisted }) => {
  if (!persisted) return
  join()
  refresh().catch(() => undefined)
})

// Some pages always change, and some until all has arrived.
setInterval(() => {
  // Who has marked some text wants to copy it.
  if (document.visibilityState !== 'visible' || !getSelection().isCollapsed) return
  if (kind === 'live' || one('[data-arriving]')) refresh().catch(() => undefined)
}, 2000)
// Something may have been read or followed elsewhere meanwhile.
addEventListener('visibilitychange', () => {
  if (document.visibilityState !== 'visible') return leave?.()
  join()
  refreshSoon()
})

// ── A draft that is being written, and a conversation ────────────────────────────────────────────────────────────────

const followed = one('[data-follow]')?.dataset.follow
if (followed) {
  let drafts
  const follow = () => {
    drafts ??= new EventSource(followed)
    drafts.addEventListener('changed', () => refresh().catch(() => undefined))
    drafts.addEventListener('open', () => (document.documentElement.dataset.following = ''))
  }
  const rest = () => {
    drafts?.close()
    drafts = undefined
  }
  // A browser opens six connections to a host: who is not looked at listens to nothing.
  const decide = () => (document.visibilityState === 'visible' ? follow() : rest())
  decide()
  addEventListener('visibilitychange', decide)
  addEventListener('pagehide', rest)
  addEventListener('pageshow', decide)
}

// What is typed is shown at once; sent as its form would be.
const draft = one('[data-draft]')
let typing
addEventListener('input', ({ target }) => {
  if (target.dataset.chooses) one(`[name=when][value=${target.dataset.chooses}]`).checked = true
  if (draft === null || target.form !== draft || target.name !== 'text') return
  clearTimeout(typing)
  typing = setTimeout(() => {
    const body = new FormData(draft)
    body.delete('files')
    fetch(draft.action, { method: 'POST', body, redirect: 'manual' })
      .then(() => refresh())
      .catch(() => say('The text could not be saved.'))
  }, 300)
})
// Whoever has chosen files has nothing more to say; without a text among them they wait for one.
addEventListener('change', ({ target }) => {
  if (!target.matches('[data-sends]') || target.files.length === 0) return
  const isText = [...target.files].some((it) => /\.(?:md|markdown|mdown|mkd|txt)$/i.test(it.name))
  if (draft || isText) target.form.requestSubmit()
})
for (const type of ['dragenter', 'dragleave', 'drop']) {
  addEventListener(type, ({ target }) => {
    if (target.matches?.('[data-sends]')) target.classList.toggle('over-it', type === 'dragenter')
  })
}

// ── Read when scrolled to the end ────────────────────────────────────────────────────────────────

const issue = one('.issue')
const end = one('#end')
if (issue && end && one('[data-key=m]', end)?.value === '1') {
  let scrolled = false
  addEventListener('scroll', () => (scrolled = true), { once: true, passive: true })
  const observer = new IntersectionObserver((entries) => {
    if (!entries.some((it) => it.isIntersecting)) return
    // A short issue fits the window: then it must have been looked at for a moment.
    setTimeout(markRead, scrolled ? 0 : 4000)
    observer.disconnect()
  })
  observer.observe(end)
}

function markRead() {
  const button = one('#end [data-key=m]')
  if (button?.value !== '1' || document.visibilityState !== 'visible') return
  void press(button)
}

// ── Where reading stopped ────────────────────────────────────────────────────────────────────────

// Of as many issues it is remembered, by the paragraph at the top of the window: texts may be set anew.
const MOST_PLACES = 200
const PLACES = 'places'
const paragraphs = all('.prose > *')

function places() {
  try {
    return new Map(JSON.parse(localStorage.getItem(PLACES)))
  } catch {
    return new Map()
  }
}

function keepPlace() {
  const at = paragraphs.findIndex((it) => it.getBoundingClientRect().bottom > 0)
  const kept = places()
  kept.delete(location.pathname)
  // At the beginning and at the end there is no place to come back to.
  const isInside = at > 0 && one('#end').getBoundingClientRect().top > innerHeight
  if (isInside) kept.set(location.pathname, at)
  try {
    localStorage.setItem(PLACES, JSON.stringify([...kept].slice(-MOST_PLACES)))
  } catch {
    // Then it is not remembered.
  }
}

if (kind === 'issue' && issue && end) {
  const place = paragraphs[places().get(location.pathname)]
  if (place && location.hash === '' && scrollY === 0) place.scrollIntoView()
  let pause
  addEventListener(
    'scroll',
    () => (pause ??= setTimeout(() => ((pause = undefined), keepPlace()), 300)),
    {
      passive: true,
    },
  )
  addEventListener('pagehide', keepPlace)
}

// ── Keyboard ─────────────────────────────────────────────────────────────────────────────────────

function links() {
  return all('.item .open')
}

function move(step) {
  const found = links()
  if (found.length === 0) return one(`[data-key=${step > 0 ? 'j' : 'k'}]`)?.click()
  const at = found.findIndex((it) => it.closest('.item').contains(document.activeElement))
  const next = found[at < 0 ? (step > 0 ? 0 : found.length - 1) : at + step]
  if (!next) return step > 0 ? one('.pager [rel=next]')?.click() : one('.pager [rel=prev]')?.click()
  next.focus()
  next.closest('.item').scrollIntoView({ block: 'nearest' })
}

function act(key) {
  const place = document.activeElement?.closest('.item') ?? issue
  if (place) one(`[data-key=${key}]`, place)?.click()
}

const keys = {
  j: () => move(1),
  k: () => move(-1),
  o: () => one('.open', document.activeElement?.closest('.item') ?? undefined)?.click(),
  s: () => act('s'),
  m: () => act('m'),
  a: () => act('a'),
  d: () => act('d'),
  b: () => act('b'),
  r: () => one('.item:focus-within textarea')?.focus(),
  u: () => (one('[data-key=u]') ?? one('.brand')).click(),
  '/': () => {
    const field = one('input[type=search]')
    if (field) field.focus()
    else location.assign('/search')
  },
  '?': () => one('#keys').showModal(),
}

addEventListener('keydown', (event) => {
  const item = event.target.closest('.item')
  if (event.key === 'Escape' && item) return one('.open', item).focus()
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return
  if (event.target.closest('input, textarea, select, dialog[open]')) return
  const action = keys[event.key]
  // A key that is held down goes through a list, and decides nothing.
  if (!action || (event.repeat && !'jk'.includes(event.key))) return
  event.preventDefault()
  action()
})

// ── Small things ─────────────────────────────────────────────────────────────────────────────────

addEventListener('focusin', ({ target }) => {
  if (target.matches('input.copy')) target.select()
})
addEventListener('submit', (event) => {
  const { busy } = event.target.dataset
  if (busy) say(busy)
  if (event.target.matches('[data-stays]')) {
    event.preventDefault()
    void sendForm(event.target)
    return
  }
  if (!event.submitter?.dataset.key) return
  event.preventDefault()
  void pressAloud(event.submitter)
})

// What scrolls sideways can be scrolled by keyboard too.
function reach() {
  for (const it of all('.prose pre, .prose table, .letter-text')) {
    if (it.scrollWidth > it.clientWidth || it.scrollHeight > it.clientHeight) it.tabIndex = 0
  }
}
reach()
addEventListener('resize', reach)
