import type { Element, ElementContent, Root } from 'hast'
import { decode } from '../../render/links.ts'
import { attribute, textOfTree } from './tree.ts'

/** Names that rules give to elements: a footnote's mark and its text, both with an `id`. */
export const FOOTNOTE_MARK = 'x-mark'
export const FOOTNOTE = 'x-note'

type Parent = Root | Element
interface Placed {
  readonly element: Element
  readonly parents: readonly Parent[]
}

const BLOCK = /^(?:li|p|div|aside|dd)$/
/** What a mark says: a number, a sign, a letter. A link to a part of the text says more. */
const MARK_TEXT = /^\s*[[(]?\s*(?:\d{1,4}(?::\d{1,3})?|\p{L}|[\p{P}\p{S}]{1,4})\s*[\])]?\s*$/u
const MARK = /^(?:sup|span)$/

/**
 * Makes footnotes of notes whose marks lead to them and that lead back, in whatever HTML a generator writes them; not
 * where a rule already made some. The notes move to the end. Linear in time.
 */
export function makeFootnotes(root: Root): void {
  const ids = new Map<string, Placed>()
  const links: (Placed & { readonly to: string })[] = []
  for (const placed of elementsIn(root)) {
    const { element } = placed
    if (element.tagName === FOOTNOTE_MARK) return
    const id = attribute(element, 'id')
    if (id !== '' && !ids.has(id)) ids.set(id, placed)
    const [, to] = /#(.+)$/s.exec(attribute(element, 'href')) ?? []
    if (element.tagName === 'a' && to !== undefined) links.push({ ...placed, to: decode(to) })
  }
  /** Where the links within a block lead. */
  const ways = new Map<Parent, Set<string>>()
  for (const { parents, to } of links) {
    for (const it of parents)
      if (it.type === 'element' && BLOCK.test(it.tagName))
        ways.set(it, (ways.get(it) ?? new Set()).add(to))
  }
  const notes = new Map<Element, { readonly id: string; readonly from: Set<string> }>()
  for (const link of links) {
    if (!MARK_TEXT.test(textOfTree(link.element))) continue
    const target = ids.get(link.to)
    const note = target && blockOf([...target.parents, target.element])
    if (note === undefined || link.parents.some((it) => it === note || notes.has(it as Element)))
      continue
    const own = marksOf(link)
    const from = own.map((it) => attribute(it, 'id')).filter((it) => it !== '')
    const known = notes.get(note)
    const back = ways.get(note)
    if (known === undefined && !from.some((it) => back?.has(it))) continue
    const { id, from: all } = known ?? { id: String(notes.size + 1), from: new Set<string>() }
    for (const it of from) all.add(it)
    notes.set(note, { id, from: all })
    const mark = own.at(-1) ?? link.element
    Object.assign(mark, { tagName: FOOTNOTE_MARK, properties: { id }, children: [] })
  }
  if (notes.size === 0) return
  detach(root, notes)
  for (const [note, { id, from }] of notes) {
    withoutWayBack(note, from)
    Object.assign(note, { tagName: FOOTNOTE, properties: { id } })
    root.children.push(note)
  }
}

function* elementsIn(root: Root): Generator<Placed> {
  const waiting: Placed[] = []
  const push = (parent: Parent, parents: readonly Parent[]) => {
    for (const it of parent.children.toReversed())
      if (it.type === 'element') waiting.push({ element: it, parents: [...parents, parent] })
  }
  push(root, [])
  for (let it = waiting.pop(); it !== undefined; it = waiting.pop()) {
    yield it
    push(it.element, it.parents)
  }
}

/** The innermost block, or the item of a list around it. */
function blockOf(chain: readonly Parent[]): Element | undefined {
  const blocks = chain.filter(
    (it): it is Element => it.type === 'element' && BLOCK.test(it.tagName),
  )
  const inner = blocks.at(-1)
  const around = blocks.at(-2)
  return inner?.tagName === 'p' && around?.tagName === 'li' ? around : inner
}

/** A link, and what is around it alone, such as `<sup>`. */
function marksOf({ element, parents }: Placed): Element[] {
  const marks = [element]
  for (const it of parents.slice(-2).toReversed()) {
    if (it.type !== 'element' || !MARK.test(it.tagName)) break
    if (
      textOfTree(it).replaceAll(/[[\]\s]/g, '') !== textOfTree(element).replaceAll(/[[\]\s]/g, '')
    )
      break
    marks.push(it)
  }
  return marks
}

/** Takes elements out, with the lists, sections and rules that nothing is left in. */
function detach(parent: Parent, notes: ReadonlyMap<Element, unknown>): void {
  const before = parent.children.length
  const kept: ElementContent[] = []
  for (const it of parent.children as ElementContent[]) {
    if (it.type !== 'element') kept.push(it)
    else if (!notes.has(it)) {
      const had = it.children.length
      detach(it, notes)
      if (it.children.length === had || !isEmpty(it)) kept.push(it)
    }
  }
  if (kept.length < before) {
    // A rule above the notes.
    const last = kept.findLastIndex((it) => it.type !== 'text' || it.value.trim() !== '')
    const rule = kept[last]
    if (rule?.type === 'element' && rule.tagName === 'hr') kept.splice(last)
    parent.children = kept
  }
}

function isEmpty(node: ElementContent): boolean {
  if (node.type === 'text') return node.value.trim() === ''
  if (node.type !== 'element') return true
  return (
    !/^(?:img|iframe|audio|video)$/.test(node.tagName) && node.children.every((it) => isEmpty(it))
  )
}

/** A note without the links back to its marks, and without its number before it. */
function withoutWayBack(note: Element, from: ReadonlySet<string>): void {
  const isBack = (it: ElementContent) =>
    it.type === 'element' &&
    it.tagName === 'a' &&
    from.has(decode(/#(.+)$/s.exec(attribute(it, 'href'))?.[1] ?? ''))
  const clean = (parent: Element) => {
    parent.children = parent.children.filter((it) => !isBack(it))
    for (const it of parent.children) if (it.type === 'element') clean(it)
    parent.children = parent.children.filter(
      (it) => it.type !== 'element' || !MARK.test(it.tagName) || !isEmpty(it),
    )
  }
  clean(note)
  if (note.tagName === 'li') return
  let first: ElementContent | undefined = note.children.find((it) => !isEmpty(it))
  if (
    first?.type === 'element' &&
    MARK.test(first.tagName) &&
    /^\[?\d+\]?$/.test(textOfTree(first).trim())
  ) {
    first.children = []
    first = note.children.find((it) => !isEmpty(it))
  }
  if (first?.type === 'text') first.value = first.value.replace(/^[\s.:)\]]+/, '')
}
