import type { List, ListItem, Nodes, PhrasingContent } from 'mdast'
import { hostOf } from '../links.ts'
import { textIn, WITHOUT_TEXT, type HtmlElement } from './elements.ts'

/** What an element that stays one may hold. */
type Content = 'phrasing' | 'flow' | readonly string[]

const names = (text: string) => text.split(' ')

/**
 * The elements that stay, with what each may hold: phrasing, blocks too, or nothing but some elements. All
 * others become Markdown, or what they hold takes their place.
 */
export const KEPT: ReadonlyMap<string, Content> = new Map<string, Content>([
  ...names(
    'abbr bdi cite code dfn ins kbd mark q rp rt ruby samp small span sub sup time u var',
  ).map((name) => [name, 'phrasing'] as const),
  ...names('caption dt figcaption summary').map((name) => [name, 'phrasing'] as const),
  ...names('dd details figure td th').map((name) => [name, 'flow'] as const),
  ['table', names('caption thead tbody tfoot tr')],
  ...names('thead tbody tfoot').map((name) => [name, ['tr']] as const),
  ['tr', ['td', 'th']],
  ['dl', ['dt', 'dd']],
])

/** Kept elements that stand on lines of their own. */
export const BLOCKS: ReadonlySet<string> = new Set(
  names('caption dd details dl dt figcaption figure summary table tbody td tfoot th thead tr'),
)

/** Where an element may stay one, unless anywhere. */
const PARENTS: Readonly<Record<string, readonly string[]>> = {
  caption: ['table'],
  thead: ['table'],
  tbody: ['table'],
  tfoot: ['table'],
  tr: ['table', 'thead', 'tbody', 'tfoot'],
  td: ['tr'],
  th: ['tr'],
  dt: ['dl'],
  dd: ['dl'],
  summary: ['details'],
  figcaption: ['figure'],
  rt: ['ruby'],
  rp: ['ruby'],
}

/** Attributes that stay; what they may say, the schema of the HTML decides. */
const ATTRIBUTES: Readonly<Record<string, readonly string[]>> = {
  abbr: ['title'],
  dfn: ['title'],
  time: ['datetime'],
  td: ['colspan', 'rowspan', 'align'],
  th: ['colspan', 'rowspan', 'align'],
}

/** Elements of blocks that vanish, and leave what they hold in blocks of its own. */
const GROUPS: ReadonlySet<string> = new Set([
  ...BLOCKS,
  ...names(
    'address article aside body center dir div fieldset footer form header hgroup html label legend li main menu ' +
      'nav optgroup option p search section select',
  ),
])

/** Whether an element stays one below `parent`; else what it holds takes its place. */
export function isKept({ name, data }: HtmlElement, parent: string): boolean {
  if (name === 'span') return data?.id !== undefined
  return KEPT.has(name) && (PARENTS[name]?.includes(parent) ?? true)
}

/** Whether what an element holds stands on lines of its own. */
export function isGroup({ name }: HtmlElement): boolean {
  return GROUPS.has(name)
}

export function isPhrasing(node: Nodes): node is PhrasingContent {
  return node.type === 'element' ? !BLOCKS.has(node.name) : PHRASING.has(node.type)
}

const PHRASING: ReadonlySet<string> = new Set(
  names('text inlineCode emphasis strong delete break link image footnoteReference'),
)

export function keptAttributes({ name, attributes }: HtmlElement): ReadonlyMap<string, string> {
  const kept = (ATTRIBUTES[name] ?? []).flatMap((key): [string, string][] => {
    const value = attributes.get(key)?.trim().slice(0, MAX_VALUE)
    return value === undefined || value === '' ? [] : [[key, value]]
  })
  return new Map(kept)
}

const MAX_VALUE = 1_000

/** An element in the words of Markdown, not cleaned; itself where Markdown has none for it. */
export function markdownOf(element: HtmlElement): Nodes[] {
  const { name, attributes } = element
  const id = attributes.get('id') ?? (name === 'a' ? attributes.get('name') : undefined)
  const anchor = id === undefined || /^h[1-6]$/.test(name) || Array.isArray(KEPT.get(name))
  const children = anchor ? element.children : [anchorAt(id), ...element.children]
  const inline = children as PhrasingContent[]
  switch (name) {
    case 'b':
    case 'strong':
      return [{ type: 'strong', children: inline }]
    case 'i':
    case 'em':
      return [{ type: 'emphasis', children: inline }]
    case 's':
    case 'strike':
    case 'del':
      return [{ type: 'delete', children: inline }]
    case 'tt':
    case 'code':
      return children.length > 0 && children.every((it) => it.type === 'text')
        ? [{ type: 'inlineCode', value: textIn(children) }]
        : [{ ...element, name: 'code', children }]
    case 'br':
      return [{ type: 'break' }]
    case 'hr':
      return [{ type: 'thematicBreak' }]
    case 'p':
      return [{ type: 'paragraph', children: inline }]
    case 'blockquote':
      return [{ type: 'blockquote', children: children as [] }]
    case 'pre':
      return [codeOf(element)]
    case 'ul':
    case 'ol':
      return [listOf(element)]
    case 'a': {
      const url = attributes.get('href')?.trim()
      if (url === undefined) return children
      return [{ type: 'link', url, title: attributes.get('title') ?? null, children: inline }]
    }
    case 'img': {
      const source = attributes.get('src') ?? attributes.get('srcset')?.trim().split(/[\s,]/, 1)[0]
      if (source === undefined) return []
      const { alt, title } = Object.fromEntries(attributes)
      return [{ type: 'image', url: source.trim(), alt: alt ?? '', title: title ?? null }]
    }
    case 'input': {
      const isBox = attributes.get('type')?.toLowerCase() === 'checkbox'
      return isBox ? [{ type: 'text', value: attributes.has('checked') ? '☑ ' : '☐ ' }] : []
    }
    default: {
      const depth = /^h([1-6])$/.exec(name)?.[1]
      if (depth !== undefined) {
        const data = id === undefined ? {} : { data: { id } }
        return [{ type: 'heading', depth: Number(depth) as 1, children: inline, ...data }]
      }
      const embedded = EMBEDDED[name]
      if (embedded !== undefined) return linkTo(embedded, element)
      return WITHOUT_TEXT.has(name) ? [] : [{ ...element, children }]
    }
  }
}

/** A place that links lead to. */
function anchorAt(id: string): HtmlElement {
  return { type: 'element', name: 'span', attributes: new Map(), children: [], data: { id } }
}

function codeOf({ children }: HtmlElement): Nodes {
  const inner = children.find(
    (it): it is HtmlElement => it.type === 'element' && it.name === 'code',
  )
  const [, lang = null] =
    /(?:^|\s)lang(?:uage)?-(\S+)/.exec(inner?.attributes.get('class') ?? '') ?? []
  return { type: 'code', lang, value: textIn(children).replace(/^\n|\n$/g, '') }
}

function listOf({ name, attributes, children }: HtmlElement): List {
  const items: ListItem[] = []
  for (const it of children) {
    if (it.type === 'element' && it.name === 'li') {
      const spread = it.children.some((child) => child.type === 'element' && child.name === 'p')
      const id = it.attributes.get('id')
      const inner = id === undefined ? it.children : [anchorAt(id), ...it.children]
      items.push({ type: 'listItem', spread, children: inner as [] })
    } else if (it.type !== 'text' || it.value.trim() !== '') {
      const last = items.at(-1)
      if (last === undefined)
        items.push({ type: 'listItem', spread: false, children: [it as never] })
      else (last.children as Nodes[]).push(it)
    }
  }
  const [start = '1'] = /^\d{1,9}$/.exec(attributes.get('start')?.trim() ?? '') ?? []
  return {
    type: 'list',
    ordered: name === 'ol',
    start: Number(start),
    spread: false,
    children: items,
  }
}

/** Elements that a link takes the place of, with the words for it. */
export const EMBEDDED: Readonly<Record<string, string>> = {
  iframe: 'Embedded page',
  embed: 'Embedded file',
  object: 'Embedded file',
  video: 'Video',
  audio: 'Audio',
}

/** A link where something stood that a page would run or play. */
function linkTo(what: string, { attributes, children }: HtmlElement): Nodes[] {
  const source = children.find(
    (it): it is HtmlElement => it.type === 'element' && it.name === 'source',
  )
  const url = [
    attributes.get('src'),
    attributes.get('data'),
    attributes.get('data-src'),
    source?.attributes.get('src'),
  ]
    .find((it) => it !== undefined && it.trim() !== '')
    ?.trim()
  if (url === undefined) return []
  const host = hostOf(url)
  const where =
    host === undefined ? url.replace(/[?#].*$/s, '').replace(/^.*\//s, '') : `at ${host}`
  const title = attributes.get('title')?.trim() ?? ''
  const value = `${title === '' ? what : title}${host === undefined ? `: ${where}` : title === '' ? ` ${where}` : ` (${host})`}`
  return [{ type: 'link', url, title: null, children: [{ type: 'text', value }] }]
}
