import type { Link, Nodes, Parents, Root } from 'mdast'
import { decode } from '../links.ts'
import { stripControls } from '../plain.ts'

declare module 'mdast' {
  interface HeadingData {
    /** Names the heading within its text; the links to it are `#` and this. */
    id?: string
  }
}

/** What an id may be. Ids of footnotes are not to be had. */
const ID = /^(?!fn(?:ref)?-\d)[\p{L}\p{N}\p{M}_.:-]{1,100}$/u

/** `{#id}` behind a heading, as Hugo, Pandoc and kramdown have it. */
const OWN_ID = /^\{:? {0,8}#([^\s{}]{1,100})[^{}]{0,200}\}$/

/**
 * Gives every heading the level below the heading it belongs to, so that none is skipped (WCAG 1.3.1), and an id: the
 * one that its author gave it, else its text as GitHub spells it, so that it stays the same as long as the text does. Links within the text to no id become their text. Linear in time.
 */
export function resolveAnchors(root: Root): Root {
  const ids = new Ids()
  const outline: { depth: number; level: number }[] = []
  const links: { link: Link; parent: Parents }[] = []
  for (const { node, parent } of nodesIn(root)) {
    if (node.type === 'heading') {
      const own = node.data?.id ?? takeOwnId(node.children.at(-1))
      node.data = { ...node.data, id: ids.add(own) ?? ids.addText(textOf(node)) }
      const { depth } = node
      while ((outline.at(-1)?.depth ?? 0) >= depth) outline.pop()
      // Above a text stands its title.
      const level = Math.min(depth, (outline.at(-1)?.level ?? 1) + 1)
      outline.push({ depth, level })
      node.depth = level as typeof depth
    } else if (node.type === 'element') {
      const id = ids.add(node.data?.id)
      if (id === undefined) delete node.data
      else node.data = { id }
    } else if (node.type === 'link' && node.url.startsWith('#')) links.push({ link: node, parent })
  }
  const gone = new Map<Parents, Set<Nodes>>()
  for (const { link, parent } of links) {
    const id = ids.find(link.url.slice(1))
    if (id !== undefined) link.url = `#${id}`
    else gone.set(parent, (gone.get(parent) ?? new Set()).add(link))
  }
  // From the innermost on, as they were found from the outermost on.
  for (const [parent, some] of [...gone].toReversed()) {
    parent.children = (parent.children as Nodes[]).flatMap((it): Nodes[] =>
      some.has(it) ? (it as Link).children : [it],
    ) as never
  }
  return root
}

class Ids {
  readonly #taken = new Set<string>()
  readonly #counts = new Map<string, number>()
  /** By what is left of an id without case and marks, as generators disagree on them. */
  readonly #loose = new Map<string, string>()

  /** An id that an author chose; undefined if it is none or there already. */
  add(id: string | undefined): string | undefined {
    const clean = stripControls(id ?? '')
    if (!ID.test(clean) || this.#taken.has(clean)) return undefined
    this.#taken.add(clean)
    if (!this.#loose.has(loose(clean))) this.#loose.set(loose(clean), clean)
    return clean
  }

  /** The id of a heading by its text. */
  addText(text: string): string {
    const slug = text
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\p{M}_\s-]/gu, '')
      .replace(/\s/g, '-')
      .slice(0, 90)
      .toWellFormed()
    const base = ID.test(slug) ? slug : slug === '' ? 'section' : `section-${slug}`
    let count = this.#counts.get(base) ?? 0
    let id = this.add(base)
    while (id === undefined) id = this.add(`${base}-${++count}`)
    this.#counts.set(base, count)
    return id
  }

  find(target: string): string | undefined {
    const id = stripControls(decode(target))
    return this.#taken.has(id) ? id : this.#loose.get(loose(id))
  }
}

function loose(id: string): string {
  return id.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '')
}

function takeOwnId(last: Nodes | undefined): string | undefined {
  if (last?.type !== 'text') return undefined
  const value = last.value.trimEnd()
  const start = value.endsWith('}') ? value.lastIndexOf('{') : -1
  const [, id] = (start === -1 ? null : OWN_ID.exec(value.slice(start))) ?? []
  if (id !== undefined) last.value = value.slice(0, start).trimEnd()
  return id
}

function textOf(node: Nodes): string {
  if ('children' in node) return node.children.map(textOf).join('')
  if (node.type === 'image') return node.alt ?? ''
  return 'value' in node ? node.value : ''
}

function* nodesIn(root: Root): Generator<{ node: Nodes; parent: Parents }> {
  const waiting: { node: Nodes; parent: Parents }[] = []
  const push = (parent: Parents) => {
    for (let at = parent.children.length - 1; at >= 0; at--) {
      const node = parent.children[at]
      if (node !== undefined) waiting.push({ node, parent })
    }
  }
  push(root)
  for (let it = waiting.pop(); it !== undefined; it = waiting.pop()) {
    yield it
    if ('children' in it.node) push(it.node)
  }
}
