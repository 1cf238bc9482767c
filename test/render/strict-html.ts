// A strict reader of the HTML that the renderer may produce, written apart from the renderer's own
// allow list, so that a mistake in one is seen by the other.

const ID = /^PREFIX[\p{L}\p{N}\p{M}_.:-]{1,100}$/u

const CELL = { align: /^(?:left|center|right)$/, colspan: /^\d{1,3}$/, rowspan: /^\d{1,3}$/ }

const ATTRIBUTES: Readonly<Record<string, Readonly<Record<string, RegExp>>>> = {
  a: {
    href: /^(?:https?:\/\/[^\s/]|mailto:\S|tel:[\d+]|hyperletter:\/\/\w|\/attachments\/tide\.png$|#PREFIX[\p{L}\p{N}\p{M}_.:-]+$)/iu,
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
  h1: { id: ID },
  h3: { id: ID },
  h4: { id: ID },
  h5: { id: ID },
  h6: { id: ID },
  hr: {},
  p: {},
  pre: { tabindex: /^0$/ },
  strong: {},
  sup: {},
  table: { tabindex: /^0$/ },
  tbody: {},
  thead: {},
  tr: {},
  code: { class: /^language-[\w+#.-]+$/ },
  h2: { class: /^sr-only$/, id: ID },
  img: { src: /^\/attachments\/tide\.png$/, alt: /^[^\0]*$/, title: /^[^\0]*$/, loading: /^lazy$/ },
  li: { class: /^task-list-item$/, id: /^PREFIXfn-\d+$/ },
  ol: { start: /^\d+$/, class: /^contains-task-list$/ },
  section: { class: /^footnotes$/ },
  span: { class: /^(?:missing-image|remote-image)$/, id: ID },
  td: CELL,
  th: CELL,
  time: { datetime: /^[\dTZ:.+ -]+$/ },
  abbr: { title: /^[^\0]*$/ },
  dfn: { title: /^[^\0]*$/ },
  ...Object.fromEntries(
    'bdi caption cite dd details dl dt ins kbd mark q rp rt ruby samp small sub summary tfoot u var'
      .split(' ')
      .map((name) => [name, {}]),
  ),
  ul: { class: /^contains-task-list$/ },
}
/** Browsers would end these where one of `BLOCKS` begins, or put that elsewhere. */
const LINES = new Set(
  'p h1 h2 h3 h4 h5 h6 em strong del a sup sub kbd mark summary dt figcaption caption'.split(' '),
)
const BLOCKS = new Set(
  'p h1 h2 h3 h4 h5 h6 ul ol blockquote pre hr table dl details figure section'.split(' '),
)
const PARENTS: Readonly<Record<string, readonly string[]>> = {
  li: ['ul', 'ol'],
  tr: ['table', 'thead', 'tbody', 'tfoot'],
  td: ['tr'],
  th: ['tr'],
  thead: ['table'],
  tbody: ['table'],
  tfoot: ['table'],
  caption: ['table'],
  dt: ['dl'],
  dd: ['dl'],
  summary: ['details'],
  figcaption: ['figure'],
  rt: ['ruby'],
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
      if (BLOCKS.has(name) && open.some((it) => LINES.has(it))) found.push(`${name} within a line`)
      const parents = PARENTS[name]
      if (parents !== undefined && !parents.includes(open.at(-1) ?? '')) {
        found.push(`${name} within ${open.at(-1)}`)
      }
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
