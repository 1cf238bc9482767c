import type { Element, ElementContent, Properties, Root as HastRoot } from 'hast'
import { sanitize } from 'hast-util-sanitize'
import type {
  Heading,
  Image,
  Link,
  ListItem,
  Paragraph,
  Parents,
  PhrasingContent,
  Root,
  RootContent,
} from 'mdast'
import { defaultHandlers, toHast, type Handlers, type State } from 'mdast-util-to-hast'
import { htmlSchema } from './schema.ts'
import { serialize } from './serialize.ts'
import { attachmentName, hostOf, safeUrl } from '../links.ts'
import type { HtmlElement } from '../markdown/elements.ts'
import { parseMarkdown, pieces } from '../markdown/markdown.ts'
import { stripControls } from '../plain.ts'

export interface HtmlOptions {
  /** URL of an attachment of the issue; undefined when there is none of that name. */
  readonly attachmentUrl?: (name: string) => string | undefined
  /**
   * URL of what a link means that is neither on the web nor an attachment: another issue, or a newsletter
   * (`hyperletter://…`). Undefined leaves a link to a newsletter as it is, and of others their text.
   */
  readonly linkUrl?: (url: string) => string | undefined
  /** Prefix of ids (letters, digits, `-`, `_`), so that those of two issues, and of the page, do not collide. */
  readonly idPrefix?: string
}

/**
 * An HTML fragment from an untrusted author's Markdown and the HTML within it, cleaned by an allow list. It loads
 * nothing but attachments that `attachmentUrl` names: a remote image becomes a link that names its host, in
 * `span.remote-image`; an image that did not travel becomes its description, in
 * `span.missing-image`; sound and films, attached or embedded, become links. Headings have ids.
 */
export function renderHtml(markdown: string, options: HtmlOptions = {}): string {
  const idPrefix = options.idPrefix ?? 'issue-'
  const tree = toHast(folded(parseMarkdown(markdown).root), {
    clobberPrefix: idPrefix,
    handlers: handlers(options, idPrefix),
  })
  return serialize(sanitize(tree, htmlSchema(idPrefix)) as HastRoot)
}

/**
 * A text as it was typed, after a sentence that says why it stands there so: for one that takes too long
 * to render. Linear in time.
 */
export function renderUnformatted(markdown: string): string {
  const notice = 'This text took too long to lay out. It is shown as its author typed it.'
  const texts = pieces(stripControls(markdown)).map((it) => element('pre', {}, [text(it)]))
  return serialize({ type: 'root', children: [element('p', {}, [text(notice)]), ...texts] })
}

interface Folded {
  readonly type: 'folded'
  readonly node: RootContent
}

/**
 * A tree in which `toHast` finds the footnotes at once: it looks through all that it sees, which would
 * take longer than everything else it does.
 */
function folded(root: Root): Root {
  const children = root.children.map((node): RootContent | Folded =>
    node.type === 'footnoteDefinition' ? node : { type: 'folded', node },
  )
  return { type: 'root', children: children as RootContent[] }
}

// Spread, as the types know no node but Markdown's own.
const UNFOLD = {
  folded: (state: State, { node }: Folded, parent: Parents) => state.one(node, parent),
}

function handlers(options: HtmlOptions, idPrefix: string): Handlers {
  const { attachmentUrl = () => undefined } = options
  const idOf = ({ data }: Heading | HtmlElement): Properties =>
    data?.id === undefined ? {} : { id: idPrefix + data.id }
  return {
    ...UNFOLD,
    element: (state: State, node: HtmlElement) => {
      const properties: Properties = idOf(node)
      for (const [key, value] of node.attributes) properties[PROPERTIES[key] ?? key] = value
      return element(node.name, properties, state.all(node))
    },
    heading: (state: State, node: Heading) =>
      element(`h${node.depth}`, idOf(node), state.all(node)),
    image: (_state: State, node: Image) => image(node, attachmentUrl),
    link: (state: State, node: Link) => {
      const href = addressOf(node.url, options, idPrefix)
      if (href === undefined) return state.all(node)
      const properties: Properties = { href }
      if (!href.startsWith('#')) properties['rel'] = REL
      if (node.title) properties['title'] = node.title
      return element('a', properties, state.all(node))
    },
    listItem,
    paragraph: (state: State, node: Paragraph) => figure(state, node, attachmentUrl),
  }
}

const REL = ['noopener', 'noreferrer', 'nofollow']

/** Names of properties that are not those of their attributes. */
const PROPERTIES: Readonly<Record<string, string>> = {
  colspan: 'colSpan',
  rowspan: 'rowSpan',
  datetime: 'dateTime',
}

/** Where a link leads; undefined where it leads nowhere. */
function addressOf(
  url: string,
  { attachmentUrl, linkUrl }: HtmlOptions,
  idPrefix: string,
): string | undefined {
  if (url.startsWith('#')) return `#${idPrefix}${url.slice(1)}`
  if (url.startsWith('hyperletter:')) return linkUrl?.(url) ?? url
  const name = attachmentName(url)
  if (name === undefined || safeUrl(url) !== undefined) return linkUrl?.(url) ?? url
  return attachmentUrl?.(name) ?? linkUrl?.(url)
}

/** A picture on its own line that has a title is a figure, and the title its caption. */
function figure(
  state: State,
  node: Paragraph,
  attachmentUrl: (name: string) => string | undefined,
): Element {
  const [only, ...others] = node.children
  if (only?.type === 'image' && others.length === 0 && only.title) {
    const picture = image({ ...only, title: null }, attachmentUrl)
    if (picture.tagName === 'img') {
      return element('figure', {}, [picture, element('figcaption', {}, [text(only.title)])])
    }
  }
  return defaultHandlers.paragraph(state, node)
}

function image(node: Image, attachmentUrl: (name: string) => string | undefined): Element {
  const alt = node.alt ?? ''
  const host = hostOf(node.url)
  if (host !== undefined) return remoteImage(node, alt, host)
  const name = attachmentName(node.url)
  const src = name === undefined ? undefined : attachmentUrl(name)
  if (src === undefined) return element('span', { className: ['missing-image'] }, [text(alt)])
  if (name !== undefined && PLAYED.test(name)) {
    const label = text(alt === '' ? name.replace(/^.*\//, '') : alt)
    return node.data?.inLink === true
      ? element('span', {}, [label])
      : element('a', { href: src, rel: REL }, [label])
  }
  const properties: Properties = { src, alt, loading: 'lazy' }
  if (node.title) properties['title'] = node.title
  return element('img', properties)
}

/** Names of files that are played, not looked at. */
const PLAYED = /\.(?:mp4|m4v|mov|webm|ogv|mp3|m4a|ogg|oga|opus|wav|flac|aac)$/i

function remoteImage(node: Image, alt: string, host: string): Element {
  const label = text(`Picture at ${host}`)
  const link = element('a', { href: safeUrl(node.url) ?? '', rel: REL }, [label])
  const children: ElementContent[] = [node.data?.inLink === true ? label : link]
  if (alt !== '') children.push(text(`: ${alt}`))
  return element('span', { className: ['remote-image'] }, children)
}

/** A list item, its task box a character: a form control nobody can use only irritates. */
function listItem(state: State, node: ListItem, parent: Parents | undefined): Element {
  // `cleanTree` has decided the looseness; an empty stand-in spares a search through all items.
  const list: Parents | undefined =
    parent?.type === 'list'
      ? { type: 'list', spread: parent.spread ?? false, children: [] }
      : parent
  if (typeof node.checked !== 'boolean') return defaultHandlers.listItem(state, node, list)
  const box: PhrasingContent = { type: 'text', value: node.checked ? '☑ ' : '☐ ' }
  const [first, ...rest] = node.children
  const children: ListItem['children'] =
    first?.type === 'paragraph'
      ? [{ ...first, children: [box, ...first.children] }, ...rest]
      : [{ type: 'paragraph', children: [box] }, ...node.children]
  const item = defaultHandlers.listItem(state, { ...node, checked: null, children }, list)
  item.properties['className'] = ['task-list-item']
  return item
}

function element(
  tagName: string,
  properties: Properties,
  children: ElementContent[] = [],
): Element {
  return { type: 'element', tagName, properties, children }
}

function text(value: string): ElementContent {
  return { type: 'text', value }
}
