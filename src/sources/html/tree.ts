import type { Element, ElementContent, Root } from 'hast'
import type { DefaultTreeAdapterTypes } from 'parse5'
import { HyperletterError } from '../../errors.ts'
import { invalidDraft } from '../source.ts'

/**
 * What becomes of an element: it stays (undefined), goes with all of its content, gives way to its content, ends the
 * text, or gets other content. A rule may also rename it and set its properties.
 */
export type HtmlVerdict = 'drop' | 'unwrap' | 'cut' | readonly ElementContent[] | undefined

/** What a service knows about its HTML. */
export interface HtmlRules {
  /** The element that has the whole text, where a page has more; the page itself if there is none. */
  isRoot?(element: Element): boolean
  element?(element: Element): HtmlVerdict
  /** A comment that ends the text, or between which text is hidden. */
  comment?(text: string): 'cut' | 'hide' | 'show' | undefined
}

export interface CleanHtml {
  readonly root: Root
  /** Whether a rule hid some of it. */
  readonly isCut: boolean
}

/** Longest HTML of a post. The longest real one that is known has a tenth. */
export const MAX_HTML_CHARACTERS = 4 * 1024 * 1024
/** The converter recurses, and overflows near 5,000. */
const MAX_DEPTH = 400
/** Unclosed formatting multiplies: a parser must open it again in each paragraph. */
const MAX_NODES = 50_000
const MAX_SPAN = 50

const DROPPED = new Set(
  'base button embed form head link meta noframes noscript object param script select style svg template textarea title'.split(
    ' ',
  ),
)
/** Attributes that mean something to the conversion or to the rules; all others are dropped. */
const KEPT = new Set(
  'align alt aria-hidden checked class colspan data-attrs data-fn data-href data-lazy-src data-lazy-srcset data-original data-src data-srcset height hidden href id role rowspan src srcset start style title type width'.split(
    ' ',
  ),
)
const NAMES: Readonly<Record<string, string>> = { colspan: 'colSpan', rowspan: 'rowSpan' }

type Parsed = DefaultTreeAdapterTypes.Node

/**
 * HTML as a tree without what is never text: scripts, styles, forms, hidden elements, pictures of one pixel. All of it is
 * done in one walk in the order of the document, so that what a rule hides is gone before anybody looks for pictures.
 * @throws INVALID_DRAFT if it nests or multiplies beyond what a post does; TOO_LARGE.
 */
export async function cleanHtml(html: string, rules: HtmlRules = {}): Promise<CleanHtml> {
  const root: Root = { type: 'root', children: [] }
  const waiting: { node: Parsed; parent: Root | Element }[] = []
  const push = (children: readonly Parsed[], parent: Root | Element) => {
    for (const node of children.toReversed()) waiting.push({ node, parent })
  }
  let isCut = false
  let isHidden = false
  const fragment = await parse(html)
  push((rootIn(fragment, rules) ?? fragment).childNodes, root)
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { node, parent } = next
    if (node.nodeName === '#comment') {
      const verdict = rules.comment?.((node as DefaultTreeAdapterTypes.CommentNode).data)
      if (verdict === undefined) continue
      isHidden = verdict !== 'show'
      isCut ||= isHidden
      if (verdict === 'cut') break
    } else if (isHidden) {
      // A mark that ends the hiding may lie within.
      if ('childNodes' in node) push(node.childNodes, parent)
    } else if (node.nodeName === '#text') {
      const { value } = node as DefaultTreeAdapterTypes.TextNode
      parent.children.push({ type: 'text', value: value.replaceAll('\0', '') })
    } else if ('tagName' in node) {
      const element = elementOf(node)
      const verdict = isNoise(element) ? 'drop' : rules.element?.(element)
      if (verdict === 'cut') {
        isCut = true
        break
      }
      if (verdict === 'drop') continue
      if (verdict === 'unwrap') push(node.childNodes, parent)
      else {
        parent.children.push(element)
        if (verdict === undefined) push(node.childNodes, element)
        else element.children.push(...verdict)
      }
    }
  }
  return { root, isCut }
}

/** The text of HTML in one line: of a title, or an excerpt. */
export async function textOfHtml(html: string): Promise<string> {
  const text = /[<&]/.test(html) ? textOfTree((await cleanHtml(html)).root) : html
  return text.replaceAll(/\s+/g, ' ').trim()
}

/** Plain text as HTML, within an attribute, too. */
export function textAsHtml(text: string): string {
  const escaped = text.replaceAll('&', '&amp;').replaceAll('"', '&quot;')
  return escaped.replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

/** All text of a tree, with a space where a block ends. */
export function textOfTree(node: Root | ElementContent): string {
  if (node.type === 'text') return node.value
  if (!('children' in node)) return ''
  const text = (node.children as ElementContent[]).map((it) => textOfTree(it)).join('')
  return node.type === 'element' && /^(?:p|div|br|li|h[1-6])$/.test(node.tagName)
    ? `${text} `
    : text
}

export function hasClass({ properties }: Element, pattern: RegExp): boolean {
  const names = properties['className']
  return Array.isArray(names) && names.some((it) => pattern.test(it))
}

/** An attribute as text; '' if there is none. */
export function attribute({ properties }: Element, name: string): string {
  const value = properties[name]
  return typeof value === 'string' ? value : ''
}

async function parse(html: string): Promise<DefaultTreeAdapterTypes.DocumentFragment> {
  if (html.length > MAX_HTML_CHARACTERS) {
    const message = `The post has ${html.length} characters of HTML; ${MAX_HTML_CHARACTERS} is the limit.`
    throw new HyperletterError('TOO_LARGE', message)
  }
  const { parseFragment, defaultTreeAdapter } = await import('parse5')
  let depth = 0
  let nodes = 0
  return parseFragment(html, {
    treeAdapter: {
      ...defaultTreeAdapter,
      createElement(...facts) {
        if (++nodes > MAX_NODES) throw invalidDraft('The HTML of the post has too many elements.')
        return defaultTreeAdapter.createElement(...facts)
      },
      onItemPush() {
        if (++depth > MAX_DEPTH) throw invalidDraft('The HTML of the post nests too deeply.')
      },
      onItemPop() {
        depth--
      },
    },
  })
}

function rootIn(fragment: DefaultTreeAdapterTypes.DocumentFragment, rules: HtmlRules) {
  if (rules.isRoot === undefined) return undefined
  const waiting: Parsed[] = [...fragment.childNodes]
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    if ('tagName' in node && rules.isRoot(elementOf(node))) return node
    if ('childNodes' in node) for (const child of node.childNodes) waiting.push(child)
  }
  return undefined
}

function elementOf({ tagName, attrs }: DefaultTreeAdapterTypes.Element): Element {
  const properties: Element['properties'] = {}
  for (const { name, value } of attrs) {
    if (name === 'class') properties['className'] = value.split(/\s+/)
    else if (name === 'colspan' || name === 'rowspan') {
      properties[NAMES[name] ?? name] = Math.min(Number.parseInt(value, 10) || 1, MAX_SPAN)
    } else if (KEPT.has(name)) properties[name] = value
  }
  return { type: 'element', tagName, properties, children: [] }
}

function isNoise(element: Element): boolean {
  const { tagName, properties } = element
  if (DROPPED.has(tagName)) return true
  if (tagName === 'input') return attribute(element, 'type') !== 'checkbox'
  if (tagName === 'img') {
    return /^[01](?:px)?$/.test(attribute(element, 'width') || attribute(element, 'height'))
  }
  const style = attribute(element, 'style')
  return 'hidden' in properties || (style !== '' && /display\s*:\s*none/i.test(style))
}
