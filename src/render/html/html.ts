import type {
  Code,
  FootnoteDefinition,
  FootnoteReference,
  Image,
  Link,
  List,
  ListItem,
  Nodes,
  Paragraph,
  Root,
  Table,
} from 'mdast'
import { attachmentName, hostOf, safeUrl } from '../links.ts'
import type { HtmlElement } from '../markdown/elements.ts'
import { parseMarkdown, pieces } from '../markdown/markdown.ts'
import { stripControls } from '../plain.ts'
import { elementWriter, escapeText, type WriteElement } from './write.ts'

export interface HtmlOptions {
  /** URL of an attachment of the issue; undefined when there is none of that name. */
  readonly attachmentUrl?: (name: string) => string | undefined
  /**
   * URL of what a link means that is neither on the web nor an attachment: another issue, or a newsletter
   * (`hyperletter://…`). Undefined leaves a link to a newsletter as it is, and of others their text.
   */
  readonly linkUrl?: (url: string) => string | undefined
  /** Prefix of ids (letters, digits, `-`, `_`), so that those of two issues, and of the page, do not collide. */
  readonly idPrefix?: string
}

/**
 * An HTML fragment from an untrusted author's Markdown and the HTML within it, cleaned by an allow list. It loads
 * nothing but attachments that `attachmentUrl` names: a remote image becomes a link that names its host, in
 * `span.remote-image`; an image that did not travel becomes its description, in
 * `span.missing-image`; sound and films, attached or embedded, become links. Headings have ids.
 */
export function renderHtml(markdown: string, options: HtmlOptions = {}): string {
  return new Renderer(options).render(parseMarkdown(markdown).root)
}

/**
 * A text as it was typed, after a sentence that says why it stands there so: for one that takes too long
 * to render. Linear in time.
 */
export function renderUnformatted(markdown: string): string {
  const notice = 'This text took too long to lay out. It is shown as its author typed it.'
  const write = elementWriter('')
  const texts = pieces(stripControls(markdown)).map((it) => write('pre', FOCUSED, escapeText(it)))
  return write('p', {}, notice) + texts.join('')
}

const FOCUSED = { tabindex: '0' }

const REL = 'noopener noreferrer nofollow'

const STYLES = { emphasis: 'em', strong: 'strong', delete: 'del' } as const

/** Names of files that are played, not looked at. */
const PLAYED = /\.(?:mp4|m4v|mov|webm|ogv|mp3|m4a|ogg|oga|opus|wav|flac|aac)$/i

/** Writes one cleaned tree. Line ends stand where mdast-util-to-hast puts them. */
class Renderer {
  readonly #options: HtmlOptions
  readonly #write: WriteElement
  readonly #footnotes = new Map<string, FootnoteDefinition>()
  /** How often each footnote is referred to, in the order of the first times. */
  readonly #references = new Map<string, number>()

  constructor(options: HtmlOptions) {
    this.#options = options
    this.#write = elementWriter(options.idPrefix ?? 'issue-')
  }

  render({ children }: Root): string {
    for (const it of children)
      if (it.type === 'footnoteDefinition') this.#footnotes.set(it.identifier, it)
    const text = this.#each(children).join('\n')
    const footer = this.#footer()
    return footer === '' ? text : `${text}\n${footer}`
  }

  /** The HTML of each node, without those that are written elsewhere. */
  #each(nodes: readonly Nodes[]): string[] {
    return nodes.filter((it) => it.type !== 'footnoteDefinition').map((it) => this.#node(it))
  }

  #inside({ children }: { readonly children: readonly Nodes[] }): string {
    return children
      .map((it, i) => {
        const html = this.#node(it)
        return children[i - 1]?.type === 'break' ? html.replace(/^[ \t]+/, '') : html
      })
      .join('')
  }

  #node(node: Nodes): string {
    switch (node.type) {
      case 'text':
        return escapeText(node.value.replace(/(?<![ \t])[ \t]*\n[ \t]*/g, '\n'))
      case 'inlineCode':
        return this.#write('code', {}, escapeText(node.value.replace(/\n/g, ' ')))
      case 'emphasis':
      case 'strong':
      case 'delete':
        return this.#write(STYLES[node.type], {}, this.#inside(node))
      case 'break':
        return `${this.#write('br', {})}\n`
      case 'thematicBreak':
        return this.#write('hr', {})
      case 'blockquote':
        return this.#write('blockquote', {}, lines(this.#each(node.children)))
      case 'element':
        return this.#element(node)
      case 'heading':
        return this.#write(`h${node.depth}`, { id: node.data?.id }, this.#inside(node))
      case 'paragraph':
        return this.#figure(node) ?? this.#write('p', {}, this.#inside(node))
      case 'code':
        return this.#code(node)
      case 'list':
        return this.#list(node)
      case 'table':
        return this.#table(node)
      case 'link':
        return this.#link(node)
      case 'image':
        return this.#image(node)
      case 'footnoteReference':
        return this.#footnoteReference(node)
      default:
        return ''
    }
  }

  #element({ name, attributes, data, ...node }: HtmlElement): string {
    const focused = name === 'table' ? FOCUSED : {}
    const all = { id: data?.id, ...Object.fromEntries(attributes), ...focused }
    return this.#write(name, all, this.#inside(node))
  }

  #code({ lang, value }: Code): string {
    const name = lang ? `language-${lang}` : undefined
    const text = value === '' ? '' : escapeText(`${value}\n`)
    return this.#write('pre', FOCUSED, this.#write('code', { class: name }, text))
  }

  #list({ ordered, start, spread, children }: List): string {
    const items = children.map((it) => this.#listItem(it, spread === true))
    const isTasks = children.some((it) => typeof it.checked === 'boolean')
    const first = typeof start === 'number' && start !== 1 ? String(start) : undefined
    const attributes = { start: first, class: isTasks ? 'contains-task-list' : undefined }
    return this.#write(ordered === true ? 'ol' : 'ul', attributes, lines(items))
  }

  /** The box of a task is a character: a form control nobody can use only irritates. */
  #listItem({ checked, children }: ListItem, isLoose: boolean): string {
    const isTask = typeof checked === 'boolean'
    const blocks = isTask ? withBox(children, checked ? '☑ ' : '☐ ') : children
    let html = ''
    let isLine = true
    for (const [i, it] of blocks.filter(({ type }) => type !== 'footnoteDefinition').entries()) {
      const figure = it.type === 'paragraph' ? this.#figure(it) : undefined
      isLine = !isLoose && it.type === 'paragraph' && figure === undefined
      if (!isLine || i > 0) html += '\n'
      html += isLine ? this.#inside(it as Paragraph) : (figure ?? this.#node(it))
    }
    const attributes = { class: isTask ? 'task-list-item' : undefined }
    return this.#write('li', attributes, isLine ? html : `${html}\n`)
  }

  #table({ align, children: [head, ...body] }: Table): string {
    const rows = (all: Table['children'], cell: string) =>
      lines(
        all.map(({ children }) => {
          const columns = align ?? children.map(() => null)
          const cells = columns.map((side, i) => {
            const content = children[i]
            const text = content === undefined ? '' : this.#inside(content)
            return this.#write(cell, { align: side ?? undefined }, text)
          })
          return this.#write('tr', {}, lines(cells))
        }),
      )
    const parts = [
      ...(head === undefined ? [] : [this.#write('thead', {}, rows([head], 'th'))]),
      ...(body.length === 0 ? [] : [this.#write('tbody', {}, rows(body, 'td'))]),
    ]
    return this.#write('table', FOCUSED, lines(parts))
  }

  #link(node: Link): string {
    const href = this.#addressOf(node.url)
    if (href === undefined) return this.#inside(node)
    const rel = href.startsWith('#') ? undefined : REL
    return this.#write('a', { href, rel, title: node.title || undefined }, this.#inside(node))
  }

  /** Where a link leads; undefined where it leads nowhere. */
  #addressOf(url: string): string | undefined {
    const { attachmentUrl, linkUrl } = this.#options
    if (url.startsWith('#')) return url
    if (url.startsWith('hyperletter:')) return linkUrl?.(url) ?? url
    const name = attachmentName(url)
    if (name === undefined || safeUrl(url) !== undefined) return linkUrl?.(url) ?? url
    return attachmentUrl?.(name) ?? linkUrl?.(url)
  }

  /** A picture on its own line that has a title is a figure, and the title its caption. */
  #figure({ children: [only, ...others] }: Paragraph): string | undefined {
    if (only?.type !== 'image' || others.length > 0 || !only.title) return undefined
    const picture = this.#image({ ...only, title: null })
    if (!picture.startsWith('<img ')) return undefined
    const caption = this.#write('figcaption', {}, escapeText(only.title))
    return this.#write('figure', {}, picture + caption)
  }

  #image({ url, alt: given, title, data }: Image): string {
    const alt = given ?? ''
    const isInLink = data?.inLink === true
    const host = hostOf(url)
    if (host !== undefined) {
      const label = escapeText(`Picture at ${host}`)
      const link = isInLink ? label : this.#write('a', { href: safeUrl(url), rel: REL }, label)
      const words = alt === '' ? '' : escapeText(`: ${alt}`)
      return this.#write('span', { class: 'remote-image' }, link + words)
    }
    const name = attachmentName(url) ?? ''
    const src = name === '' ? undefined : this.#options.attachmentUrl?.(name)
    if (src === undefined) return this.#write('span', { class: 'missing-image' }, escapeText(alt))
    if (!PLAYED.test(name))
      return this.#write('img', { src, alt, loading: 'lazy', title: title || undefined })
    const label = escapeText(alt === '' ? name.replace(/^.*\//, '') : alt)
    return isInLink
      ? this.#write('span', {}, label)
      : this.#write('a', { href: src, rel: REL }, label)
  }

  #footnoteReference({ identifier }: FootnoteReference): string {
    const times = (this.#references.get(identifier) ?? 0) + 1
    this.#references.set(identifier, times)
    const id = `fnref-${identifier}${times > 1 ? `-${times}` : ''}`
    const shown = String([...this.#references.keys()].indexOf(identifier) + 1)
    return this.#write('sup', {}, this.#write('a', { href: `#fn-${identifier}`, id }, shown))
  }

  #footer(): string {
    const contents = new Map<string, string[]>()
    // Those that footnotes refer to come in while this goes on.
    for (const identifier of this.#references.keys()) {
      const definition = this.#footnotes.get(identifier)
      if (definition !== undefined) contents.set(identifier, this.#each(definition.children))
    }
    if (contents.size === 0) return ''
    const numbers = [...this.#references.keys()]
    const items = [...contents].map(([identifier, blocks]) => {
      const back = this.#backReferences(identifier, numbers.indexOf(identifier) + 1)
      const last = blocks.at(-1)
      const text = last?.startsWith('<p>') === true ? last.replace(/<\/p>$/, '') : undefined
      if (text === undefined) blocks.push(...back)
      else blocks[blocks.length - 1] = `${text} ${back.join('')}</p>`
      return this.#write('li', { id: `fn-${identifier}` }, lines(blocks))
    })
    const head = this.#write('h2', { class: 'sr-only' }, 'Footnotes')
    const list = this.#write('ol', {}, lines(items))
    return this.#write('section', { class: 'footnotes' }, `${head}\n${list}\n`)
  }

  /** The links from a footnote back to where it is referred to, with spaces between them. */
  #backReferences(identifier: string, number: number): string[] {
    const count = this.#references.get(identifier) ?? 0
    return Array.from({ length: count }, (_, i) => i + 1).flatMap((time) => {
      const again = time > 1 ? `-${time}` : ''
      const attributes = {
        href: `#fnref-${identifier}${again}`,
        'aria-label': `Back to reference ${number}${again}`,
        class: 'data-footnote-backref',
      }
      const sign = time > 1 ? `↩${this.#write('sup', {}, String(time))}` : '↩'
      return [...(time > 1 ? [' '] : []), this.#write('a', attributes, sign)]
    })
  }
}

/** Blocks on lines of their own. */
function lines(blocks: readonly string[]): string {
  return blocks.length === 0 ? '\n' : `\n${blocks.join('\n')}\n`
}

function withBox(children: ListItem['children'], box: string): ListItem['children'] {
  const [first, ...rest] = children
  const text = { type: 'text' as const, value: box }
  return first?.type === 'paragraph'
    ? [{ ...first, children: [text, ...first.children] }, ...rest]
    : [{ type: 'paragraph', children: [text] }, ...children]
}
