import type { Element, ElementContent, Properties, Root as HastRoot } from 'hast'
import { sanitize } from 'hast-util-sanitize'
import type {
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
import { attachmentName, hostOf } from '../links.ts'
import { parseMarkdown, pieces } from '../markdown/markdown.ts'
import { stripControls } from '../plain.ts'

export interface HtmlOptions {
  /** URL of an attachment of the issue; undefined when there is none of that name. */
  readonly attachmentUrl?: (name: string) => string | undefined
  /** Prefix of ids (letters, digits, `-`, `_`), so that two issues' footnotes do not collide. */
  readonly idPrefix?: string
}

/**
 * An HTML fragment from an untrusted author's Markdown, cleaned by an allow list. It loads nothing
 * but attachments that `attachmentUrl` names: a remote image becomes a link that names its host, in
 * `span.remote-image`; an image that did not travel becomes its description, in
 * `span.missing-image`.
 */
export function renderHtml(markdown: string, options: HtmlOptions = {}): string {
  const idPrefix = options.idPrefix ?? 'issue-'
  const tree = toHast(folded(parseMarkdown(markdown).root), {
    clobberPrefix: idPrefix,
    handlers: handlers(options.attachmentUrl ?? (() => undefined)),
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

function handlers(attachmentUrl: (name: string) => string | undefined): Handlers {
  return {
    ...UNFOLD,
    image: (_state: State, node: Image) => image(node, attachmentUrl),
    link: (state: State, node: Link) => {
      const properties: Properties = { href: node.url, rel: ['noopener', 'noreferrer', 'nofollow'] }
      if (node.title) properties['title'] = node.title
      return element('a', properties, state.all(node))
    },
    listItem,
    paragraph: (state: State, node: Paragraph) => figure(state, node, attachmentUrl),
  }
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
  const properties: Properties = { src, alt, loading: 'lazy' }
  if (node.title) properties['title'] = node.title
  return element('img', properties)
}

function remoteImage(node: Image, alt: string, host: string): Element {
  const label = text(`Picture at ${host}`)
  const link = element('a', { href: node.url, rel: ['noopener', 'noreferrer', 'nofollow'] }, [
    label,
  ])
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
