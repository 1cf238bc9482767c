import type { Definition, Image, Nodes, Parents, PhrasingContent, Root, RootContent } from 'mdast'
import { attachmentName, safeUrl, URL_MAX_LENGTH } from '../links.ts'
import { stripControls } from '../plain.ts'
import { withTitle } from './alerts.ts'
import { resolveAnchors } from './anchors.ts'
import { around, contentOf, flow, phrasing } from './element-content.ts'
import { nested, type HtmlElement } from './elements.ts'
import { isGroup, isKept, isPhrasing, keptAttributes, markdownOf } from './known-elements.ts'

/** Quotes, list items and emphasis nested deeper than this are shown at this depth. */
const MAX_DEPTH = 32

// One definition may be used by any number of short references, so what they copy is bounded.
const MAX_REFERENCED_LENGTH = 500_000

// The name of a code block's language; it becomes part of a class name.
const LANGUAGE = /^[\w+#.-]{1,40}$/

const MAX_TITLE_LENGTH = 1_000

const TRANSPARENT_WHEN_DEEP: ReadonlySet<string> = new Set([
  'blockquote',
  'list',
  'listItem',
  'emphasis',
  'strong',
  'delete',
  'link',
  'element',
])

const FLOW: ReadonlySet<string> = new Set(['root', 'blockquote', 'listItem', 'footnoteDefinition'])

declare module 'mdast' {
  interface ImageData {
    /** The image lies inside a link, so that it must not become another one. */
    inLink?: boolean
  }
}

interface Context {
  readonly definitions: ReadonlyMap<string, Definition>
  readonly footnotes: ReadonlySet<string>
  readonly footnoteNumbers: Map<string, number>
  referencedLength: number
}

/** Where a node lies, and the list of what is kept there. */
interface Place {
  readonly depth: number
  readonly inLink: boolean
  readonly parent: string
  readonly kept: Nodes[]
}

/**
 * A tree of only the node types that the renderers know, safe to show: references resolved; raw HTML as
 * Markdown, or as elements of `KEPT`; links that `safeUrl` allows, links within the text, and those that may
 * lead to an attachment or another issue, all others replaced by their text; footnotes named by their number;
 * control and invisible characters gone; depth bounded. URLs of images and of local links are as written: the
 * renderers decide what they may be.
 */
export function cleanTree(root: Root): Root {
  const context: Context = { ...collect(root), footnoteNumbers: new Map(), referencedLength: 0 }
  const children = cleanChildren(root, context, 0, false) as RootContent[]
  return resolveAnchors({ type: 'root', children })
}

function collect(root: Root) {
  const definitions = new Map<string, Definition>()
  const footnotes = new Set<string>()
  const pending: Nodes[] = [root]
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    // Taken from a stack, in reverse: so the first definition of a label wins by coming last.
    if (node.type === 'definition') definitions.set(node.identifier, node)
    else if (node.type === 'footnoteDefinition') footnotes.add(node.identifier)
    if ('children' in node) for (const child of node.children) pending.push(child)
  }
  return { definitions, footnotes }
}

function cleanChildren(
  node: Parents,
  context: Context,
  depth: number,
  inLink: boolean,
  parent: string = node.type,
): Nodes[] {
  const kept: Nodes[] = []
  const place: Place = { depth, inLink, parent, kept }
  const hasHtml = node.children.some((it) => it.type === 'html')
  for (const child of hasHtml ? nested(node) : node.children) clean(child, context, place)
  return FLOW.has(node.type) && kept.some(isPhrasing) ? flow(kept) : kept
}

/** Adds what may be shown of a node to `place.kept`. */
function clean(node: Nodes, context: Context, place: Place): void {
  const { kept } = place
  switch (node.type) {
    case 'text':
    case 'inlineCode':
      kept.push({ type: node.type, value: stripControls(node.value) })
      break
    case 'code': {
      const lang = LANGUAGE.test(node.lang ?? '') ? (node.lang ?? null) : null
      kept.push({ type: 'code', lang, value: stripControls(node.value) })
      break
    }
    case 'break':
    case 'thematicBreak':
      kept.push({ type: node.type })
      break
    case 'blockquote':
      cleanParent(withTitle(node), context, place)
      break
    case 'element':
      for (const it of markdownOf(node)) {
        if (it.type === 'element') cleanElement(it, context, place)
        else clean(it, context, place)
      }
      break
    case 'image':
      kept.push(cleanImage(node.url, node.alt, node.title, place.inLink))
      break
    case 'imageReference': {
      const definition = resolve(node.identifier, context)
      kept.push(cleanImage(definition?.url ?? '', node.alt, definition?.title, place.inLink))
      break
    }
    case 'link':
      cleanLink(node, node.url, node.title, context, place)
      break
    case 'linkReference': {
      const definition = resolve(node.identifier, context)
      cleanLink(node, definition?.url ?? '', definition?.title, context, place)
      break
    }
    case 'footnoteReference':
      cleanFootnoteReference(node.identifier, context, kept)
      break
    case 'footnoteDefinition': {
      const name = String(footnoteNumber(node.identifier, context))
      const children = cleanChildren(node, context, place.depth + 1, place.inLink)
      kept.push({ ...node, identifier: name, label: name, children } as Nodes)
      break
    }
    case 'definition':
    case 'html':
    case 'yaml':
      break
    default:
      cleanParent(node, context, place)
  }
}

function cleanParent(node: Parents, context: Context, { depth, inLink, kept }: Place): void {
  const children = cleanChildren(node, context, depth + 1, inLink)
  if (depth >= MAX_DEPTH && TRANSPARENT_WHEN_DEEP.has(node.type)) return addAll(kept, children)
  switch (node.type) {
    case 'list': {
      // Looseness is one property of a list; decided here once, not by every item again.
      const spread = node.spread === true || node.children.some((item) => item.spread === true)
      kept.push({ ...node, spread, children } as Nodes)
      break
    }
    case 'paragraph':
      if (children.some((it) => it.type === 'element' || !isPhrasing(it)))
        addAll(kept, flow(children))
      else if (children.length > 0) kept.push({ ...node, children } as Nodes)
      break
    case 'emphasis':
    case 'strong':
    case 'delete': {
      const { type } = node
      addAll(
        kept,
        around(children, (some) => ({ type, children: some })),
      )
      break
    }
    case 'heading':
    case 'tableCell':
      kept.push({ ...node, children: phrasing(children) })
      break
    default:
      kept.push({ ...node, children } as Nodes)
  }
}

/** An element that is still one, or what it holds in its place. */
function cleanElement(node: HtmlElement, context: Context, place: Place): void {
  const { depth, inLink, kept, parent } = place
  const stays = depth < MAX_DEPTH && isKept(node, parent)
  // What vanishes is nobody's parent: a cell in a row without a table is no cell.
  const children = cleanChildren(node, context, depth + 1, inLink, stays ? node.name : parent)
  if (!stays) return addAll(kept, isGroup(node) ? flow(children) : children)
  const wrap = (some: readonly Nodes[]): HtmlElement => ({
    type: 'element',
    name: node.name,
    attributes: keptAttributes(node),
    children: [...some],
    ...(node.data === undefined ? {} : { data: node.data }),
  })
  const { inside, outside } = contentOf(node.name, children)
  addAll(kept, outside)
  if (isGroup(node)) {
    if (inside.length > 0) kept.push(wrap(inside))
  } else addAll(kept, around(inside, wrap))
}

function cleanLink(
  node: Parents,
  url: string,
  title: string | null | undefined,
  context: Context,
  { depth, inLink, kept }: Place,
): void {
  // A bare URL in a link's text is parsed as a link of its own; the outer one stands.
  const kind = inLink ? undefined : linkUrl(url)
  const children = cleanChildren(node, context, depth + 1, inLink || kind !== undefined)
  if (kind === undefined || depth >= MAX_DEPTH) addAll(kept, children)
  else {
    const wrap = (some: PhrasingContent[]): PhrasingContent => ({
      type: 'link',
      url: kind,
      title: cleanTitle(title),
      children: some,
    })
    addAll(kept, around(children, wrap))
  }
}

/** A URL that a link may have; those within the text and those to other files are looked at once more. */
function linkUrl(url: string): string | undefined {
  if (url.length > URL_MAX_LENGTH) return undefined
  const isLocal = url.startsWith('#') || attachmentName(url) !== undefined
  return safeUrl(url) ?? (isLocal ? stripControls(url) : undefined)
}

// In a loop, as spreading very many into one call overflows the stack.
function addAll(kept: Nodes[], nodes: readonly Nodes[]): void {
  for (const node of nodes) kept.push(node)
}

function cleanImage(
  url: string,
  alt: string | null | undefined,
  title: string | null | undefined,
  inLink: boolean,
): Image {
  return {
    type: 'image',
    url: url.length > URL_MAX_LENGTH ? '' : stripControls(url),
    alt: stripControls(alt ?? '')
      .replace(/\s+/g, ' ')
      .trim(),
    title: cleanTitle(title),
    data: { inLink },
  }
}

function cleanTitle(title: string | null | undefined): string | null {
  if (title == null || title === '') return null
  return stripControls(title.slice(0, MAX_TITLE_LENGTH))
}

function cleanFootnoteReference(identifier: string, context: Context, kept: Nodes[]): void {
  if (!context.footnotes.has(identifier)) return
  const name = String(footnoteNumber(identifier, context))
  kept.push({ type: 'footnoteReference', identifier: name, label: name })
}

function footnoteNumber(identifier: string, { footnoteNumbers }: Context): number {
  const known = footnoteNumbers.get(identifier)
  if (known !== undefined) return known
  footnoteNumbers.set(identifier, footnoteNumbers.size + 1)
  return footnoteNumbers.size
}

function resolve(identifier: string, context: Context): Definition | undefined {
  const definition = context.definitions.get(identifier)
  if (definition === undefined || definition.url.length > URL_MAX_LENGTH) return undefined
  context.referencedLength += definition.url.length + (definition.title?.length ?? 0)
  return context.referencedLength > MAX_REFERENCED_LENGTH ? undefined : definition
}
