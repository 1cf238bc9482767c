import type { Definition, Image, Nodes, Parents, PhrasingContent, Root, RootContent } from 'mdast'
import { safeUrl, URL_MAX_LENGTH } from '../links.ts'
import { stripControls } from '../plain.ts'
import { readRawHtml } from './raw-html.ts'

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
])

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
 * A tree of only the node types that the renderers know, safe to show: references resolved; links
 * `http(s)` and `mailto` only, others replaced by their text; raw HTML reduced to its text;
 * footnotes named by their number; control and invisible characters gone; depth bounded.
 * Image URLs are as written: the renderers decide what an image may be.
 */
export function cleanTree(root: Root): Root {
  const context: Context = { ...collect(root), footnoteNumbers: new Map(), referencedLength: 0 }
  return { type: 'root', children: cleanChildren(root, context, 0, false) as RootContent[] }
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

function cleanChildren(node: Parents, context: Context, depth: number, inLink: boolean): Nodes[] {
  const kept: Nodes[] = []
  const place: Place = { depth, inLink, parent: node.type, kept }
  for (const child of node.children) clean(child, context, place)
  return kept
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
    case 'html':
      cleanHtml(node.value, place)
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
    case 'yaml':
      break
    default:
      cleanParent(node, context, place)
  }
}

function cleanParent(node: Parents, context: Context, { depth, inLink, kept }: Place): void {
  const children = cleanChildren(node, context, depth + 1, inLink)
  if (depth >= MAX_DEPTH && TRANSPARENT_WHEN_DEEP.has(node.type)) addAll(kept, children)
  else if (node.type === 'list') {
    // Looseness is one property of a list; decided here once, not by every item again.
    const spread = node.spread === true || node.children.some((item) => item.spread === true)
    kept.push({ ...node, spread, children } as Nodes)
  } else if (node.type !== 'paragraph' || children.length > 0) {
    kept.push({ ...node, children } as Nodes)
  }
}

function cleanLink(
  node: Parents,
  url: string,
  title: string | null | undefined,
  context: Context,
  { depth, inLink, kept }: Place,
): void {
  // A bare URL in a link's text is parsed as a link of its own; the outer one stands.
  const safe = inLink ? undefined : safeUrl(url)
  const children = cleanChildren(node, context, depth + 1, inLink || safe !== undefined)
  if (safe === undefined || depth >= MAX_DEPTH) addAll(kept, children)
  else {
    const phrasing = children as PhrasingContent[]
    kept.push({ type: 'link', url: safe, title: cleanTitle(title), children: phrasing })
  }
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

function cleanHtml(html: string, place: Place): void {
  const phrasing = readRawHtml(html).map((part): PhrasingContent => {
    if (part.type === 'image') return cleanImage(part.url, part.alt, null, place.inLink)
    if (part.type === 'break') return { type: 'break' }
    return { type: 'text', value: stripControls(part.value) }
  })
  if (!BLOCK_PARENTS.has(place.parent)) addAll(place.kept, phrasing)
  else if (phrasing.some((node) => node.type === 'image' || hasText(node))) {
    place.kept.push({ type: 'paragraph', children: phrasing })
  }
}

const BLOCK_PARENTS: ReadonlySet<string> = new Set([
  'root',
  'blockquote',
  'list',
  'listItem',
  'footnoteDefinition',
])

function hasText(node: Nodes): boolean {
  return node.type === 'text' && node.value.trim() !== ''
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
