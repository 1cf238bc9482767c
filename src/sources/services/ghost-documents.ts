import { textAsHtml } from '../html/tree.ts'
import { invalidDraft } from '../source.ts'

type Json = Readonly<Record<string, unknown>>

const MAX_DEPTH = 200

/** Bits of the format of a text in Lexical, and the elements that mean the same. */
const FORMATS: readonly (readonly [bit: number, tag: string])[] = [
  [1, 'strong'],
  [2, 'em'],
  [4, 's'],
  [8, 'u'],
  [16, 'code'],
  [32, 'sub'],
  [64, 'sup'],
  [128, 'mark'],
]

/** Cards that are only for mail, or ask for money. */
const NOT_FOR_WEB = new Set(['email', 'email-cta', 'signup', 'paywall'])

/**
 * HTML of a document of Ghost's editor since version 5, for a post that has no rendered HTML.
 * @param isOpen Also what members alone would see.
 * @throws INVALID_DRAFT
 */
export function lexicalToHtml(source: string, isOpen = false): string {
  const root = objectIn(parsed(source), 'root')
  return childrenOf(root, isOpen, 0)
}

function childrenOf(node: Json, isOpen: boolean, depth: number): string {
  if (depth > MAX_DEPTH) throw invalidDraft('The text of the post nests too deeply.')
  return listIn(node, 'children')
    .map((child) => nodeToHtml(child, isOpen, depth + 1))
    .join('')
}

function nodeToHtml(node: Json, isOpen: boolean, depth: number): string {
  const inner = () => childrenOf(node, isOpen, depth)
  const type = textIn(node, 'type').replace(/^extended-/, '')
  switch (type) {
    case 'text':
      return formatted(node)
    case 'linebreak':
      return '<br>'
    case 'link':
      return `<a href="${textAsHtml(textIn(node, 'url'))}">${inner()}</a>`
    case 'paragraph':
      return `<p>${inner()}</p>`
    case 'heading':
      return wrapped(/^h[1-6]$/.exec(textIn(node, 'tag'))?.[0] ?? 'h2', inner())
    case 'quote':
    case 'aside':
      return wrapped('blockquote', inner())
    case 'list':
      if (textIn(node, 'listType') !== 'number') return wrapped('ul', inner())
      return `<ol start="${Number(node['start']) || 1}">${inner()}</ol>`
    case 'listitem': {
      // A list in a list is an item of its own, after the one that it belongs to.
      const children = listIn(node, 'children')
      const isNested = children.length === 1 && textIn(children[0] ?? {}, 'type') === 'list'
      return isNested ? inner() : wrapped('li', inner())
    }
    default:
      return 'children' in node ? inner() : cardToHtml(type, node, isOpen)
  }
}

function formatted(node: Json): string {
  const format = Number(node['format'] ?? 0)
  let html = textAsHtml(textIn(node, 'text'))
  for (const [bit, tag] of FORMATS) if ((format & bit) !== 0) html = wrapped(tag, html)
  return html
}

/** A card of either editor: its data by the names that both use. */
function cardToHtml(name: string, card: Json, isOpen: boolean): string {
  if (NOT_FOR_WEB.has(name) || (!isOpen && isGated(card))) return ''
  const value = (key: string) => textIn(card, key)
  const link = (url: string, words: string) =>
    url === ''
      ? ''
      : `<p><a href="${textAsHtml(url)}">${words === '' ? textAsHtml(url) : words}</a></p>`
  const image = (data: Json) =>
    `<img src="${textAsHtml(textIn(data, 'src'))}" alt="${textAsHtml(textIn(data, 'alt'))}">`
  const figure = (content: string) =>
    `<figure>${content}<figcaption>${value('caption')}</figcaption></figure>`
  switch (name) {
    case 'image':
      return figure(image(card))
    case 'gallery':
      return figure(listIn(card, 'images').map(image).join(''))
    case 'html':
    case 'card-markdown':
    case 'markdown':
      return name === 'html' ? value('html') : markdownToHtml(value('markdown'))
    case 'codeblock':
    case 'code': {
      const language = textAsHtml(value('language'))
      return `<pre><code class="language-${language}">${textAsHtml(value('code'))}</code></pre>`
    }
    case 'horizontalrule':
    case 'hr':
      return '<hr>'
    case 'bookmark': {
      const title = textIn(objectIn(card, 'metadata'), 'title')
      return `${link(value('url'), textAsHtml(title))}<p>${value('caption')}</p>`
    }
    case 'embed':
      return value('html') === '' ? link(value('url'), '') : value('html')
    case 'callout':
      return wrapped('blockquote', `${textAsHtml(value('calloutEmoji'))} ${value('calloutText')}`)
    case 'toggle':
      return `<details><summary>${value('heading')}</summary>${value('content')}</details>`
    case 'button':
      return link(value('buttonUrl'), textAsHtml(value('buttonText')))
    case 'audio':
    case 'video':
      return figure(
        `<${name} src="${textAsHtml(value('src'))}" title="${textAsHtml(value('title'))}"></${name}>`,
      )
    case 'file':
      return link(value('src'), textAsHtml(value('fileTitle') || value('fileName')))
    case 'product': {
      const picture = value('productImageSrc')
      const shown = picture === '' ? '' : image({ src: picture })
      return `${shown}<p><strong>${value('productTitle')}</strong></p>${value('productDescription')}`
    }
    case 'header':
    case 'call-to-action': {
      const words = `<h2>${value('header')}</h2><p>${value('subheader')}</p>${value('textValue')}`
      return `${words}${link(value('buttonUrl'), textAsHtml(value('buttonText')))}`
    }
    default:
      return ''
  }
}

/** Whether readers who are no members do not see a card; in any of the forms that versions have kept it. */
function isGated(card: Json): boolean {
  const visibility = objectIn(card, 'visibility')
  return (
    objectIn(visibility, 'web')['nonMember'] === false ||
    visibility['emailOnly'] === true ||
    visibility['showOnWeb'] === false
  )
}

/**
 * HTML of a document of Ghost's editor from version 2 to 4 (Mobiledoc 0.3).
 * @throws INVALID_DRAFT
 */
export function mobiledocToHtml(source: string): string {
  const document = parsed(source)
  const [cards, markups, atoms] = ['cards', 'markups', 'atoms'].map((key) =>
    tuplesIn(document, key),
  )
  const inline = (markers: readonly unknown[][]): string => {
    const open: string[] = []
    let html = ''
    for (const [kind, opened, closed, value] of markers) {
      for (const index of Array.isArray(opened) ? opened : []) {
        const [tag = 'span', attributes] = markups?.[Number(index)] ?? []
        const name = /^[a-z]\w{0,15}$/i.exec(String(tag))?.[0] ?? 'span'
        open.push(name)
        html += `<${name}${hrefIn(attributes)}>`
      }
      const isAtom = kind === 1
      if (isAtom) html += atoms?.[Number(value)]?.[0] === 'soft-return' ? '<br>' : ''
      else html += textAsHtml(typeof value === 'string' ? value : '')
      for (let count = Math.min(Number(closed), open.length); count > 0; count--) {
        html += `</${open.pop() ?? ''}>`
      }
    }
    return html
  }
  const section = ([kind, first, second]: readonly unknown[]): string => {
    const content = (Array.isArray(second) ? second : []) as unknown[][]
    switch (kind) {
      case 1: {
        const tag = /^(?:p|h[1-6]|blockquote|aside)$/.exec(String(first))?.[0] ?? 'p'
        return wrapped(tag === 'aside' ? 'blockquote' : tag, inline(content))
      }
      case 2:
        return `<img src="${textAsHtml(String(first))}">`
      case 3: {
        const items = content.map((it) => wrapped('li', inline(it as unknown[][]))).join('')
        return wrapped(first === 'ol' ? 'ol' : 'ul', items)
      }
      case 10: {
        const [name = '', data] = cards?.[Number(first)] ?? []
        return cardToHtml(String(name), isObject(data) ? data : {}, false)
      }
      default:
        return ''
    }
  }
  return tuplesIn(document, 'sections').map(section).join('')
}

function hrefIn(attributes: unknown): string {
  const list = Array.isArray(attributes) ? (attributes as unknown[]) : []
  const at = list.indexOf('href')
  const href = at < 0 ? undefined : list[at + 1]
  return typeof href === 'string' ? ` href="${textAsHtml(href)}"` : ''
}

/** A text that is Markdown already: kept as its lines are. */
export function markdownToHtml(markdown: string): string {
  return `<x-verbatim title="${textAsHtml(markdown)}"></x-verbatim>`
}

function parsed(source: string): Json {
  try {
    const value: unknown = JSON.parse(source)
    if (isObject(value)) return value
  } catch {
    // It is said below.
  }
  throw invalidDraft('The text of the post is in a form that cannot be read.')
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function objectIn(node: Json, key: string): Json {
  const value = node[key]
  return isObject(value) ? value : {}
}

function listIn(node: Json, key: string): Json[] {
  const value = node[key]
  return Array.isArray(value) ? value.filter(isObject) : []
}

function tuplesIn(node: Json, key: string): unknown[][] {
  const value = node[key]
  return Array.isArray(value) ? value.filter((it): it is unknown[] => Array.isArray(it)) : []
}

function textIn(node: Json, key: string): string {
  const value = node[key]
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
}

function wrapped(tag: string, html: string): string {
  return `<${tag}>${html}</${tag}>`
}
