import type { Image, Link, PhrasingContent } from 'mdast'
import stringWidth from 'string-width'
import { attachmentName, hostOf, safeUrl } from '../links.ts'
import type { HtmlElement } from '../markdown/elements.ts'
import { stripControls } from '../plain.ts'
import { wrap } from './wrap.ts'

export interface InlineContext {
  readonly paint: Paint
  readonly color: boolean
  readonly links: LinkList
  /** False: lines are left to the terminal to wrap, as measuring them would take too long. */
  readonly wraps: boolean
  /** Names of the attachments that travel with the issue; undefined when that is not known. */
  readonly attachments: ReadonlySet<string> | undefined
  /** What is listed for a link that has no address; undefined where it is only text. */
  readonly linkWords: (url: string) => string | undefined
}

// Scripts that are written without spaces between words, so that a line may break within them.
const WIDE = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\uff00-\uff60]/
const BREAK_BETWEEN_WIDE =
  /(?<=[\u2e80-\ua4cf\uff00-\uff60])[ \t]*\n[ \t]*(?=[\u2e80-\ua4cf\uff00-\uff60])/g

/** Text with its styles, not wrapped; only hard breaks are line breaks. */
export function renderInline(
  nodes: readonly PhrasingContent[],
  context: InlineContext,
  styles: readonly StyleName[] = [],
): string {
  return nodes.map((node) => renderNode(node, context, styles)).join('')
}

/**
 * Lines of at most `width` columns; a word that is wider stays whole (a URL is to be copied) unless
 * `cutWords`. Styles end at each break and resume behind it, so that lines can be prefixed.
 */
export function wrapLines(
  text: string,
  width: number,
  { wraps }: InlineContext,
  cutWords = WIDE.test(text),
): string[] {
  if (!wraps) return text.split('\n')
  return wrap(text, width, { hard: cutWords }).split('\n')
}

/** Columns that `text` takes in a terminal, without its escape sequences. */
export function columnsOf(text: string): number {
  return stringWidth(text)
}

function renderNode(
  node: PhrasingContent,
  context: InlineContext,
  styles: readonly StyleName[],
): string {
  const { paint, color } = context
  switch (node.type) {
    case 'text':
      return paint(flow(node.value), ...styles)
    case 'inlineCode':
      // Without colour the backticks stay, or nothing would tell code from text.
      return paint(
        color ? flow(node.value) : `\`${flow(node.value)}\``,
        ...adding(styles, 'yellow'),
      )
    case 'emphasis':
      return marked(node.children, '*', context, adding(styles, 'italic'))
    case 'strong':
      return marked(node.children, '**', context, adding(styles, 'bold'))
    case 'delete':
      return marked(node.children, '~~', context, adding(styles, 'strike'))
    case 'break':
      return '\n'
    case 'link':
      return renderLink(node, context, styles)
    case 'image':
      return renderImage(node, context, styles)
    case 'element':
      return renderElement(node, context, styles)
    case 'footnoteReference':
      return paint(superscript(node.identifier), ...adding(styles, 'cyan'))
    default:
      return ''
  }
}

const SUBSCRIPTS = '₀₁₂₃₄₅₆₇₈₉'

/** Elements of HTML that have no words of Markdown. */
function renderElement(
  { name, attributes, children }: HtmlElement,
  context: InlineContext,
  styles: readonly StyleName[],
): string {
  const nodes = children as PhrasingContent[]
  const inner = (...more: StyleName[]) => renderInline(nodes, context, more.reduce(adding, styles))
  const words = plainText(nodes)
  switch (name) {
    case 'sup':
      return context.paint(/^\d+$/.test(words) ? superscript(words) : `^${words}`, ...styles)
    case 'sub':
      return /^\d+$/.test(words)
        ? context.paint(
            words.replace(/\d/g, (it) => SUBSCRIPTS.charAt(Number(it))),
            ...styles,
          )
        : inner()
    case 'abbr': {
      const title = flow(stripControls(attributes.get('title') ?? ''))
      return title === '' ? inner() : `${inner()} (${title})`
    }
    case 'code':
    case 'kbd':
    case 'samp':
      return context.color ? inner('yellow') : `\`${inner()}\``
    case 'mark':
      return context.color ? inner('bold') : `==${inner()}==`
    case 'ins':
    case 'u':
      return inner('underline')
    case 'cite':
    case 'dfn':
    case 'var':
      return marked(nodes, '*', context, adding(styles, 'italic'))
    case 'q':
      return `“${inner()}”`
    case 'rt':
      return `(${inner()})`
    case 'rp':
      return ''
    default:
      return inner()
  }
}

function marked(
  children: readonly PhrasingContent[],
  mark: string,
  context: InlineContext,
  styles: readonly StyleName[],
): string {
  const text = renderInline(children, context, styles)
  return context.color ? text : mark + text + mark
}

function renderLink(link: Link, context: InlineContext, styles: readonly StyleName[]): string {
  // What lies in the issue, or beside it, has no address that is worth a number.
  const listed = /^[a-z]+:/.test(link.url) ? link.url : context.linkWords(link.url)
  if (listed === undefined) return renderInline(link.children, context, styles)
  const text = renderInline(link.children, context, adding(adding(styles, 'cyan'), 'underline'))
  if (repeatsUrl(plainText(link.children), link.url)) return text
  return text + context.paint(`[${context.links.numberOf(listed)}]`, 'dim')
}

function renderImage(image: Image, context: InlineContext, styles: readonly StyleName[]): string {
  const { paint, links } = context
  const alt = flow(image.alt ?? '')
  const host = hostOf(image.url)
  const label = (words: string) => paint(`[${words}]`, ...adding(styles, 'green'))
  if (host !== undefined) {
    const shown = label(alt === '' ? `picture at ${host}` : `picture at ${host}: ${alt}`)
    return shown + paint(`[${links.numberOf(safeUrl(image.url) ?? image.url)}]`, 'dim')
  }
  const name = attachmentName(image.url)
  const shownName = name === undefined ? '' : flow(stripControls(name))
  const travels = name !== undefined && context.attachments?.has(name)
  const note =
    context.attachments === undefined || travels ? shownName : `${shownName}, not attached`
  const words = [alt, note === '' ? '' : alt === '' ? note : `(${note})`].filter(
    (part) => part !== '',
  )
  return label(words.length === 0 ? 'picture' : `picture: ${words.join(' ')}`)
}

/** The text of `nodes` without any style or mark. */
export function plainText(nodes: readonly PhrasingContent[]): string {
  return nodes
    .map((node) =>
      'value' in node
        ? node.value
        : 'children' in node
          ? plainText(node.children as PhrasingContent[])
          : '',
    )
    .join('')
}

export function superscript(number: string): string {
  return number.replace(/\d/g, (digit) => '⁰¹²³⁴⁵⁶⁷⁸⁹'.charAt(Number(digit)))
}

function flow(text: string): string {
  return text.replace(BREAK_BETWEEN_WIDE, '').replace(/[\n\t]+/g, ' ')
}

function adding(styles: readonly StyleName[], style: StyleName): StyleName[] {
  return styles.includes(style) ? [...styles] : [...styles, style]
}

/** SGR codes that turn each style on and off (ECMA-48 §8.3.117). */
const SGR = {
  bold: [1, 22],
  dim: [2, 22],
  italic: [3, 23],
  underline: [4, 24],
  strike: [9, 29],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
} as const

export type StyleName = keyof typeof SGR

/** Puts styles on text, or does nothing when there is no colour. Text must not contain escapes. */
export type Paint = (text: string, ...styles: readonly StyleName[]) => string

/** The `Paint` for a terminal with or without colour. */
export function painter(color: boolean): Paint {
  if (!color) return (text) => text
  return (text, ...styles) => {
    if (text === '' || styles.length === 0) return text
    const on = styles.map((style) => `\u001b[${SGR[style][0]}m`).join('')
    const off = styles.map((style) => `\u001b[${SGR[style][1]}m`).toReversed()
    return on + text + [...new Set(off)].join('')
  }
}

/** The links of one text: numbered in order of appearance, one number for each URL. */
export class LinkList {
  readonly #numbers = new Map<string, number>()

  /** The number that stands behind the link's text. */
  numberOf(url: string): number {
    const known = this.#numbers.get(url)
    if (known !== undefined) return known
    this.#numbers.set(url, this.#numbers.size + 1)
    return this.#numbers.size
  }

  /** The URLs in the order of their numbers, from 1. */
  get urls(): string[] {
    return [...this.#numbers.keys()]
  }
}

/** True if `text` already says all that `url` does, so that listing the URL would repeat it. */
function repeatsUrl(text: string, url: string): boolean {
  return bare(text) === bare(url)
}

function bare(text: string): string {
  return text
    .trim()
    .replace(/^(?:https?:\/\/|mailto:)/i, '')
    .replace(/\/$/, '')
}
