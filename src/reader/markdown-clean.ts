import type { Definition, Link, Nodes, Parents, PhrasingContent, Root, RootContent } from 'mdast'
import { safeUrl, URL_MAX_LENGTH } from './links.ts'
import { stripControls } from './plain.ts'
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

interface Place {
  readonly depth: number
  readonly inLink: boolean
  readonly parent: string
}

/**
 * A tree of only the node types that the renderers know, safe to show: references resolved; links
 * `http(s)` and `mailto` only, others replaced by their text; raw HTML reduced to its text;
 * footnotes named by their number; control and invisible characters gone; depth bounded.
 * Image URLs are as written: the renderers decide what an image may be.
 */
export function cleanTree(root: Root): Root {
  const context: Context = { ...collect(root), footnoteNumbers: new Map(), referencedLength: 0 }
  return { type: 'root', children: cleanChildren(root, context, PLACE_OF_ROOT) as RootContent[] }
}

const PLACE_OF_ROOT: Place = { depth: 0, inLink: false, parent: 'root' }

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

function cleanChildren(node: Parents, context: Context, place: Place): Nodes[] {
  const cleaned: Nodes[] = []
  const within: Place = { ...place, parent: node.type }
  // In a loop, as spreading a very long list into one call overflows the stack.
  for (const child of node.children) {
    for (const kept of clean(child, context, within)) cleaned.push(kept)
  }
  return cleaned
}

function clean(node: Nodes, context: Context, place: Place): Nodes[] {
  switch (node.type) {
    case 'text':
    case 'inlineCode':
      return [{ type: node.type, value: stripControls(node.value) }]
    case 'code': {
      const lang = LANGUAGE.test(node.lang ?? '') ? (node.lang ?? null) : null
      return [{ type: 'code', lang, value: stripControls(node.value) }]
    }
    case 'break':
    case 'thematicBreak':
      return [{ type: node.type }]
    case 'html':
      return cleanHtml(node.value, context, place)
    case 'image':
      return cleanImage(node.url, node.alt, node.title, place)
    case 'imageReference': {
      const definition = resolve(node.identifier, context)
      return cleanImage(definition?.url ?? '', node.alt, definition?.title, place)
    }
    case 'link':
      return cleanLink(node, node.url, node.title, context, place)
    case 'linkReference': {
      const definition = resolve(node.identifier, context)
      return cleanLink(node, definition?.url ?? '', definition?.title, context, place)
    }
    case 'footnoteReference':
      return cleanFootnoteReference(node.identifier, context)
    case 'footnoteDefinition': {
      const name = String(footnoteNumber(node.identifier, context))
      const children = cleanChildren(node, context, deeper(place))
      return [{ ...node, identifier: name, label: name, children } as Nodes]
    }
    case 'definition':
    case 'yaml':
      return []
    default:
      return cleanParent(node, context, place)
  }
}

function cleanParent(node: Parents, context: Context, place: Place): Nodes[] {
  const children = cleanChildren(node, context, deeper(place))
  if (place.depth >= MAX_DEPTH && TRANSPARENT_WHEN_DEEP.has(node.type)) return children
  if (node.type === 'paragraph' && children.length === 0) return []
  if (node.type !== 'list') return [{ ...node, children } as Nodes]
  // Looseness is one property of a list; decided here once, not by every item again.
  const spread = node.spread === true || node.children.some((item) => item.spread === true)
  return [{ ...node, spread, children } as Nodes]
}

function cleanLink(
  node: Parents,
  url: string,
  title: string | null | undefined,
  context: Context,
  place: Place,
): Nodes[] {
  // A bare URL in a link's text is parsed as a link of its own; the outer one stands.
  const safe = place.inLink ? undefined : safeUrl(url)
  const inLink = place.inLink || safe !== undefined
  const children = cleanChildren(node, context, { ...deeper(place), inLink })
  if (safe === undefined || place.depth >= MAX_DEPTH) return children
  const link: Link = { type: 'link', url: safe, children: children as PhrasingContent[] }
  return [{ ...link, title: cleanTitle(title) }]
}

function cleanImage(
  url: string,
  alt: string | null | undefined,
  title: string | null | undefined,
  { inLink }: Place,
): Nodes[] {
  return [
    {
      type: 'image',
      url: url.length > URL_MAX_LENGTH ? '' : stripControls(url),
      alt: stripControls(alt ?? '')
        .replace(/\s+/g, ' ')
        .trim(),
      title: cleanTitle(title),
      data: { inLink },
    },
  ]
}

function cleanTitle(title: string | null | undefined): string | null {
  if (title == null || title === '') return null
  return stripControls(title.slice(0, MAX_TITLE_LENGTH))
}

function cleanHtml(html: string, context: Context, place: Place): Nodes[] {
  const phrasing = readRawHtml(html).flatMap((part): Nodes[] => {
    if (part.type === 'image') return cleanImage(part.url, part.alt, null, place)
    if (part.type === 'break') return [{ type: 'break' }]
    return clean({ type: 'text', value: part.value }, context, place)
  }) as PhrasingContent[]
  if (!BLOCK_PARENTS.has(place.parent)) return phrasing
  const hasContent = phrasing.some((node) => node.type === 'image' || hasText(node))
  return hasContent ? [{ type: 'paragraph', children: phrasing }] : []
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

function cleanFootnoteReference(identifier: string, context: Context): Nodes[] {
  if (!context.footnotes.has(identifier)) return []
  const name = String(footnoteNumber(identifier, context))
  return [{ type: 'footnoteReference', identifier: name, label: name }]
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

function deeper(place: Place): Place {
  return { ...place, depth: place.depth + 1 }
}
