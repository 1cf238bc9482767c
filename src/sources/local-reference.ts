import { defined } from '../defined.ts'
import { decode, safeUrl } from '../render/links.ts'
import { readHtml, type HtmlTag } from '../render/markdown/raw-html.ts'

/** What a text shows or links to at a place that is not on the web. */
export interface LocalReference {
  readonly kind: 'image' | 'link'
  /** As written. */
  readonly target: string
  /** The same without `?query` and `#fragment`, percent-decoded. */
  readonly path: string
  /** Alternative text of an image. */
  readonly alt: string
  /** Line of the text, from 1. */
  readonly line: number
  /** Where the target stands in the text, with `<` and `>` if it has them; absent if unknown. */
  readonly place?: { readonly start: number; readonly end: number }
}

const ON_THE_WEB = /^(?:[a-z][a-z0-9+.-]+:|\/\/|#|\?|www\.[a-z\d-]+\.[a-z]{2,}(?:[/?#:]|$))/i
const FILE_URL = /^file:/i
/** Elements of HTML that refer to files or pages, with the attribute that does so. */
export const REFERRING: Readonly<Record<string, readonly string[]>> = {
  img: ['src', 'srcset'],
  a: ['href'],
  audio: ['src'],
  video: ['src'],
  source: ['src'],
  embed: ['src'],
  iframe: ['src'],
  object: ['data'],
}

/** What a tag refers to, and by which attribute. */
export function targetOf({
  name,
  attributes,
}: HtmlTag): { target: string; key: string } | undefined {
  for (const key of REFERRING[name] ?? []) {
    const value = attributes.get(key)?.trim() ?? ''
    const target = key === 'srcset' ? value.split(/[\s,]/, 1)[0] : value
    if (target !== undefined && target !== '') return { target, key }
  }
  return undefined
}

/** Whether a target is a path, or an address that no reader opens. */
export function isLocal(target: string): boolean {
  return FILE_URL.test(target) || !ON_THE_WEB.test(target) || isUnsafe(target)
}

/** Whether a target is an address that readers do not open: they show the words of the link alone. */
export function isUnsafe(target: string): boolean {
  return /^[a-z][a-z0-9+.-]+:/i.test(target) && safeUrl(target) === undefined
}

/** @param source The text in which the HTML stands, and where, if its own offsets are to be used. */
export function pushHtml(
  found: LocalReference[],
  html: string,
  line: number,
  source?: { readonly text: string; readonly start: number },
): void {
  for (const part of readHtml(html)) {
    if (part.type !== 'open') continue
    const { target, key = '' } = targetOf(part) ?? {}
    const own = part.places.get(key)
    const start = (source?.start ?? -1) + (own?.start ?? 0)
    const end = start + (target?.length ?? 0)
    // In a quote or list the HTML has lost what stands before its lines.
    const isThere = source !== undefined && own !== undefined && source.start >= 0
    const place = isThere && source.text.slice(start, end) === target ? { start, end } : undefined
    const kind = part.name === 'img' ? 'image' : 'link'
    pushLocal(found, { kind, target, alt: part.attributes.get('alt'), line, place })
  }
}

interface Reference {
  readonly kind: LocalReference['kind']
  readonly target: string | undefined
  readonly alt: string | null | undefined
  readonly line: number
  readonly place?: LocalReference['place'] | undefined
}

/** Adds a reference if its target is a path. */
export function pushLocal(found: LocalReference[], reference: Reference): void {
  const { kind, target, alt, line, place } = reference
  if (target === undefined || !isLocal(target)) return
  const bare = target.replace(/[?#].*$/s, '')
  if (bare === '') return
  const words = (alt ?? '').replaceAll(/\s+/g, ' ').trim()
  found.push({ kind, target, path: decode(bare), alt: words, line, ...defined({ place }) })
}
