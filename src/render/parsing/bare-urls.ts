import type { Link, PhrasingContent } from 'mdast'
import type { MarkdownIt, StateInline } from 'markdown-it'
import { URL_MAX_LENGTH } from '../links.ts'

const COLON = 0x3a

// What comes first is bounded, so that no text is looked at again and again.
const SCHEME = /(?:^|[^a-z])(https?)$/i
const ADDRESS = new RegExp(`//[\\p{L}\\p{N}][^\\s<>[\\]]{0,${URL_MAX_LENGTH}}`, 'uy')
const WWW = new RegExp(
  `(?<=^|[^/\\p{L}\\p{N}])www\\.[\\p{L}\\p{N}][^\\s<>[\\]]{0,${URL_MAX_LENGTH}}`,
  'giu',
)
const LOCAL_PART = /[\w.+-]{1,64}$/
const MAIL_DOMAIN = /[a-z\d_-]{1,63}(?:\.[a-z\d_-]{1,63}){1,8}/iy

/** GFM's literal URLs, `https://…` within a text, before emphasis is looked for in them. */
export function bareUrls(md: MarkdownIt): void {
  md.inline.ruler.before('linkify', 'bare_url', (state, silent) => readUrl(state, silent))
}

function readUrl(state: StateInline, silent: boolean): boolean {
  if (silent || state.linkLevel > 0 || state.src.charCodeAt(state.pos) !== COLON) return false
  // Looked for in the source, as a look into what is pending would copy all of it each time.
  const scheme = SCHEME.exec(state.src.slice(Math.max(0, state.pos - 6), state.pos))?.[1]
  if (scheme === undefined || state.pending.length < scheme.length) return false
  ADDRESS.lastIndex = state.pos + 1
  const found = ADDRESS.exec(state.src.slice(0, state.posMax))?.[0]
  if (found === undefined) return false
  const rest = withoutTrail(found)
  const url = `${scheme}:${rest}`
  state.pending = state.pending.slice(0, -scheme.length)
  state.push('link_open', 'a', 1).attrs = [['href', url]]
  state.push('text', '', 0).content = url
  state.push('link_close', 'a', -1)
  state.pos += 1 + rest.length
  return true
}

/** GFM's literal `www.` addresses and e-mail addresses in a text that is not part of a link. */
export function linksIn(text: string): PhrasingContent[] {
  if (!/www\.|@/i.test(text)) return [{ type: 'text', value: text }]
  const nodes: PhrasingContent[] = []
  let done = 0
  for (const { start, end, url } of addressesIn(text)) {
    if (start < done) continue
    if (start > done) nodes.push({ type: 'text', value: text.slice(done, start) })
    nodes.push(linkTo(url, text.slice(start, end)))
    done = end
  }
  if (done < text.length) nodes.push({ type: 'text', value: text.slice(done) })
  return nodes
}

interface Address {
  readonly start: number
  readonly end: number
  readonly url: string
}

function addressesIn(text: string): Address[] {
  const found: Address[] = []
  for (const { 0: whole, index } of text.matchAll(WWW)) {
    const address = withoutTrail(whole)
    found.push({ start: index, end: index + address.length, url: `http://${address}` })
  }
  for (let at = text.indexOf('@'); at !== -1; at = text.indexOf('@', at + 1)) {
    const local = LOCAL_PART.exec(text.slice(Math.max(0, at - 65), at))?.[0]
    MAIL_DOMAIN.lastIndex = at + 1
    const domain = MAIL_DOMAIN.exec(text)?.[0]
    if (local === undefined || domain === undefined || /[-_]$/.test(domain)) continue
    if (local.length > 64 || text[at - local.length - 1] === '/') continue
    const end = at + 1 + domain.length
    found.push({ start: at - local.length, end, url: `mailto:${local}@${domain}` })
  }
  return found.toSorted((a, b) => a.start - b.start)
}

/** Without the punctuation that belongs to the sentence around an address. */
function withoutTrail(address: string): string {
  let end = address.length
  let unclosed = countOf(address, ')') - countOf(address, '(')
  for (; end > 0; end--) {
    const last = address.charAt(end - 1)
    if (last === ')' && unclosed > 0) unclosed--
    else if (last === ';') {
      const entity = /&[a-z\d]{1,31};$/i.exec(address.slice(Math.max(0, end - 34), end))
      end -= (entity?.[0].length ?? 1) - 1
    } else if (!'?!.,:*_~\'"'.includes(last)) break
  }
  return address.slice(0, end)
}

function countOf(text: string, character: string): number {
  return text.split(character).length - 1
}

function linkTo(url: string, text: string): Link {
  return { type: 'link', url, children: [{ type: 'text', value: text }] }
}
