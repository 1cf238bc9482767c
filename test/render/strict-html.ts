// A strict reader of the HTML that the renderer may produce, written apart from the renderer's own
// allow list, so that a mistake in one is seen by the other.

const ATTRIBUTES: Readonly<Record<string, Readonly<Record<string, RegExp>>>> = {
  a: {
    href: /^(?:https?:\/\/[^\s/]|mailto:\S|#PREFIXfn(?:ref)?-\d+(?:-\d+)?$)/i,
    rel: /^noopener noreferrer nofollow$/,
    title: /^[^\0]*$/,
    class: /^data-footnote-backref$/,
    id: /^PREFIXfnref-\d+(?:-\d+)?$/,
    'aria-label': /^Back to reference [\d-]+$/,
  },
  blockquote: {},
  br: {},
  del: {},
  em: {},
  figcaption: {},
  figure: {},
  h1: {},
  h3: {},
  h4: {},
  h5: {},
  h6: {},
  hr: {},
  p: {},
  pre: {},
  strong: {},
  sup: {},
  table: {},
  tbody: {},
  thead: {},
  tr: {},
  code: { class: /^language-[\w+#.-]+$/ },
  h2: { class: /^sr-only$/ },
  img: { src: /^\/attachments\/tide\.png$/, alt: /^[^\0]*$/, title: /^[^\0]*$/, loading: /^lazy$/ },
  li: { class: /^task-list-item$/, id: /^PREFIXfn-\d+$/ },
  ol: { start: /^\d+$/, class: /^contains-task-list$/ },
  section: { class: /^footnotes$/ },
  span: { class: /^(?:missing-image|remote-image)$/ },
  td: { align: /^(?:left|center|right)$/ },
  th: { align: /^(?:left|center|right)$/ },
  ul: { class: /^contains-task-list$/ },
}
const VOID = new Set(['br', 'hr', 'img'])
const DECEPTIVE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b\u2028-\u202e\u2060-\u2069\ufeff]/

/** What is wrong with `html`: elements, attributes, URLs, nesting, characters that are not allowed. */
export function complaints(html: string, idPrefix: string): string[] {
  const found: string[] = []
  const open: string[] = []
  if (DECEPTIVE.test(html)) found.push('control or invisible character')
  for (let index = html.indexOf('<'); index !== -1; index = html.indexOf('<', index + 1)) {
    const tag = /^<(\/?)([a-z][a-z0-9]*)((?: [a-z-]+="[^"]*")*)>/.exec(html.slice(index))
    if (tag === null) {
      found.push(`not a tag: ${html.slice(index, index + 40)}`)
      continue
    }
    const [whole, slash, name = '', attributes = ''] = tag
    // Quoted values may contain `<`.
    index += whole.length - 1
    const allowed = Object.hasOwn(ATTRIBUTES, name) ? ATTRIBUTES[name] : undefined
    if (allowed === undefined) found.push(`element ${name}`)
    else if (slash === '/') {
      if (open.pop() !== name) found.push(`wrong end of ${name}`)
    } else {
      if (name === 'a' && open.includes('a')) found.push('link within a link')
      if (!VOID.has(name)) open.push(name)
      for (const [, key = '', value = ''] of attributes.matchAll(/ ([a-z-]+)="([^"]*)"/g)) {
        const pattern = Object.hasOwn(allowed, key) ? allowed[key] : undefined
        const expected =
          pattern && new RegExp(pattern.source.replace('PREFIX', idPrefix), pattern.flags)
        if (expected === undefined || !expected.test(decode(value)))
          found.push(`${name} ${key}="${value}"`)
      }
    }
  }
  if (open.length > 0) found.push(`not closed: ${open.join(' ')}`)
  return found
}

function decode(value: string): string {
  return value
    .replace(/&#x([0-9a-f]+);/gi, (_, hex: string) =>
      String.fromCodePoint(Number.parseInt(hex, 16)),
    )
    .replace(/&quot;/g, '"')
    .replace(/&amp;/g, '&')
}
