import { textAsHtml } from '../html/tree.ts'

/** What a mailing list puts below each mail, as text or HTML. */
const FOOTER = /(?:<(?:div|p|pre|br)\b[^<>]{0,200}>\s{0,8})*_{20}[^]*$/
const MAX_FOOTER_CHARACTERS = 2_000

export function withoutFooter(body: string): string {
  const [footer = ''] = FOOTER.exec(body.slice(-MAX_FOOTER_CHARACTERS)) ?? []
  const isOfList = /mailing list|listinfo|unsubscribe|postorius/i.test(footer)
  return isOfList ? body.slice(0, -footer.length) : body
}

/** Quotes within quotes that are shown as such. */
const MAX_QUOTES = 20

/** Plain text of a mail as HTML: paragraphs, line breaks, quotes, lists and links, and no signature. */
export function htmlOfText(text: string): string {
  const [body = ''] = text.replaceAll('\r\n', '\n').split(/^-- $/m)
  return blocksOf(body.split('\n'), 0).join('\n')
}

function blocksOf(lines: readonly string[], depth: number): string[] {
  const blocks: string[] = []
  for (let at = 0; at < lines.length;) {
    const start = at
    const kind = kindOf(lines[at] ?? '')
    do at++
    while (at < lines.length && goesOn(lines[at] ?? '', kind))
    const some = lines.slice(start, at)
    if (kind === 'quote' && depth < MAX_QUOTES) {
      const inner = blocksOf(
        some.map((it) => it.replace(/^>[ \t]?/, '')),
        depth + 1,
      )
      blocks.push(`<blockquote>${inner.join('\n')}</blockquote>`)
    } else if (kind === 'ul' || kind === 'ol') blocks.push(listOf(some, kind))
    else if (kind !== 'blank') blocks.push(`<p>${some.map(linked).join('<br>\n')}</p>`)
  }
  return blocks
}

type Kind = 'blank' | 'quote' | 'ul' | 'ol' | 'text'

function kindOf(line: string): Kind {
  if (line.trim() === '') return 'blank'
  if (line.startsWith('>')) return 'quote'
  const mark = ITEM.exec(line)?.[0]
  return mark === undefined ? 'text' : /\d/.test(mark) ? 'ol' : 'ul'
}

/** Whether a line goes on what lines of a kind began: items may be indented below their mark. */
function goesOn(line: string, kind: Kind): boolean {
  const own = kindOf(line)
  return own === kind || (own === 'text' && (kind === 'ul' || kind === 'ol') && /^[ \t]/.test(line))
}

const ITEM = /^[ \t]*(?:[-*•]|\d{1,3}[.)])[ \t]+(?=\S)/

/** One item is a line that begins with a dash or a number, as many do. */
function listOf(lines: readonly string[], kind: 'ul' | 'ol'): string {
  if (lines.filter((it) => ITEM.test(it)).length < 2)
    return `<p>${lines.map(linked).join('<br>\n')}</p>`
  const items = lines.map((it) =>
    ITEM.test(it) ? `<li>${linked(it.replace(ITEM, ''))}` : linked(it.trim()),
  )
  const start = kind === 'ol' ? ` start="${/\d+/.exec(lines[0] ?? '')?.[0] ?? ''}"` : ''
  return `<${kind}${start}>${items.join('\n')}</${kind}>`
}

function linked(line: string): string {
  return textAsHtml(line).replaceAll(/https?:\/\/(?:(?!&[lg]t;|&quot;)\S)+/g, (url) => {
    let bare = url
    // What ends a sentence, or closes a bracket that it stands in.
    while (/[.,;:!?'*_]$/.test(bare) || (bare.endsWith(')') && opened(bare) < 0))
      bare = bare.slice(0, -1)
    return `<a href="${bare}">${bare}</a>${url.slice(bare.length)}`
  })
}

/** How many more brackets a text opens than it closes. */
function opened(text: string): number {
  return text.split('(').length - text.split(')').length
}
