// Parts of a page that are fetched anew, and forms that are sent without leaving it.
export const one = (selector, root = document) => root.querySelector(selector)
export const all = (selector, root = document) => [...root.querySelectorAll(selector)]

// ── Fresh parts of the page, from the server that made the whole of it ──────────────────────────

let turns = 0

// Each part that is live has a name; the others stay as they are.
export async function refresh() {
  const turn = ++turns
  if (one('[data-live]') === null) return
  const response = await fetch(location.href, { headers: { accept: 'text/html' } })
  if (!response.ok) return
  const page = new DOMParser().parseFromString(await response.text(), 'text/html')
  // What was asked for later is newer.
  if (turn !== turns) return
  document.title = page.title
  for (const live of all('[data-live]')) {
    const fresh = one(`[data-live=${live.dataset.live}]`, page)
    if (fresh) replace(live, document.adoptNode(fresh))
  }
}

function replace(live, fresh) {
  // Whoever types there goes on; what was typed elsewhere stays.
  if (document.activeElement.matches('textarea') && live.contains(document.activeElement)) return
  for (const it of all('textarea', live)) {
    const same = one(`#${it.id}`, fresh)
    if (same) same.value = it.value
  }
  const focusAgain = focusIn(live)
  const scrollBack = scrolledIn(live)
  live.replaceWith(fresh)
  focusAgain(fresh)
  scrollBack(fresh)
}

const REACHABLE = 'a[href], button, [tabindex]'

// Gives the focus to what stands where it was: the same link or button, else the issue that moved up.
function focusIn(live) {
  const at = document.activeElement
  if (!live.contains(at)) return () => undefined
  const item = at.closest('.item')
  const place = all('.item', live).indexOf(item)
  const index = all(REACHABLE, item ?? live).indexOf(at)
  return (fresh) => {
    const items = all('.item', fresh)
    const same = item ? items.find((it) => pathOf(it) === pathOf(item)) : fresh
    const next = items[Math.min(place, items.length - 1)]
    const target = same ? all(REACHABLE, same)[index] : next && one('.open', next)
    target?.focus({ preventScroll: true })
  }
}

// What is being looked at stays where it is when something is added above it.
function scrolledIn(live) {
  const topOf = (it) => it.getBoundingClientRect().top
  const seen = scrollY === 0 ? undefined : all('.item', live).find((it) => topOf(it) >= 0)
  if (!seen) return () => undefined
  const before = topOf(seen)
  return (fresh) => {
    const same = all('.item', fresh).find((it) => pathOf(it) === pathOf(seen))
    if (same) scrollBy(0, topOf(same) - before)
  }
}

function pathOf(item) {
  return one('.open', item).getAttribute('href')
}

export function say(text, path) {
  const notice = one('#arrivals')
  const link = document.createElement('a')
  link.href = path ?? ''
  link.textContent = text
  notice.replaceChildren(path === undefined ? text : link)
  notice.hidden = false
}

// ── What is sent without leaving the page ──────────────────────────────────────────────────────

async function problemIn(response) {
  const page = new DOMParser().parseFromString(await response.text(), 'text/html')
  return one('.empty bdi', page)?.textContent
}

// Sends a form whose text has more to come after it.
export async function sendForm(form) {
  const field = form.elements.text
  const body = new URLSearchParams(new FormData(form))
  const text = field.value
  field.value = ''
  const problem = await post(form.action, body)
  if (!problem) return
  field.value ||= text
  say(problem)
}

const FAILED = 'That did not work. Load the page again.'

// Gives what went wrong.
async function post(address, body) {
  try {
    const response = await fetch(address, { method: 'POST', body, redirect: 'manual' })
    const isDone = response.type === 'opaqueredirect' || response.ok
    if (!isDone) return (await problemIn(response)) ?? FAILED
    await refresh()
  } catch {
    return FAILED
  }
}

// Without leaving the page, so that whoever goes through a list stays where they are in it.
export async function press(button) {
  if (button.ariaBusy) return
  button.ariaBusy = 'true'
  const body = new URLSearchParams(new FormData(button.form))
  body.set(button.name, button.value)
  const problem = await post(button.formAction, body)
  button.ariaBusy = null
  return problem ?? button.dataset.said
}

export async function pressAloud(button) {
  const said = await press(button)
  if (said) say(said)
}
