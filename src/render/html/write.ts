const NAME = /^[\p{L}\p{N}\p{M}_.:-]{1,100}$/u
const ANY = /(?:)/
const SPAN = /^[1-9]\d{0,2}$/
const TASKS = /^contains-task-list$/
const CELL = { align: /^(?:left|center|right)$/, colspan: SPAN, rowspan: SPAN }

/** Elements that have no attributes. */
const PLAIN =
  'bdi blockquote br caption cite dd del details dl dt em figcaption figure hr ins kbd mark p q rp rt ruby samp ' +
  'small strong sub summary sup tbody tfoot thead tr u var'

/**
 * The allow list of an issue's HTML: what the renderer itself makes, elements that format text, and nothing else: no
 * style, no event, no form, nothing that loads. Of each attribute, what it may say.
 */
const ALLOWED: ReadonlyMap<string, Readonly<Record<string, RegExp>>> = new Map(
  Object.entries({
    ...Object.fromEntries(PLAIN.split(' ').map((name) => [name, {}])),
    a: {
      href: /^(?:https?:\/\/|mailto:|tel:|hyperletter:\/\/|#[\p{L}\p{N}\p{M}_.:-]{1,100}$|(?!\/\/|#)[^\s:\\]+$)/iu,
      rel: /^noopener noreferrer nofollow$/,
      class: /^data-footnote-backref$/,
      'aria-label': /^Back to reference [\d-]+$/,
      title: ANY,
      id: NAME,
    },
    abbr: { title: ANY },
    dfn: { title: ANY },
    h1: { id: NAME },
    h2: { class: /^sr-only$/, id: NAME },
    h3: { id: NAME },
    h4: { id: NAME },
    h5: { id: NAME },
    h6: { id: NAME },
    code: { class: /^language-[\w+#.-]{1,40}$/ },
    img: { src: /^(?:https?:|blob:|[^:]*(?:$|[/?#]))/i, alt: ANY, title: ANY, loading: /^lazy$/ },
    li: { class: /^task-list-item$/, id: NAME },
    // Whoever has no pointer scrolls a wide one by keys.
    pre: { tabindex: /^0$/ },
    table: { tabindex: /^0$/ },
    ol: { start: /^\d+$/, class: TASKS },
    section: { class: /^footnotes$/ },
    span: { class: /^(?:missing|remote)-image$/, id: NAME },
    td: CELL,
    th: CELL,
    time: { datetime: /^[\dTZPWYMDHS:.+ -]{1,40}$/ },
    ul: { class: TASKS },
  }),
)

const VOID: ReadonlySet<string> = new Set(['br', 'hr', 'img'])

/** By name; those that are undefined are left out. Ids and links within the text are without their prefix. */
export type Attributes = Readonly<Record<string, string | undefined>>

/** Writes an element around HTML: itself only if the allow list knows it, with the attributes that it lets through. */
export type WriteElement = (name: string, attributes: Attributes, children?: string) => string

/**
 * @param idPrefix begins each id and each link within the text, so that none takes the place of a name that a page or
 *   its scripts use.
 */
export function elementWriter(idPrefix: string): WriteElement {
  return (name, attributes, children = '') => {
    const allowed = ALLOWED.get(name)
    if (allowed === undefined) return children
    let tag = name
    for (const key in attributes) {
      const value = attributes[key]
      if (value === undefined || !Object.hasOwn(allowed, key) || allowed[key]?.test(value) !== true)
        continue
      const isPlace = key === 'href' && value.startsWith('#')
      const text =
        key === 'id' ? idPrefix + value : isPlace ? `#${idPrefix}${value.slice(1)}` : value
      tag += ` ${key}="${text.replace(/[\0"&'`]/g, reference)}"`
    }
    return VOID.has(name) ? `<${tag}>` : `<${tag}>${children}</${name}>`
  }
}

export function escapeText(text: string): string {
  return text.replace(/[&<]/g, reference)
}

function reference(character: string): string {
  return `&#x${character.charCodeAt(0).toString(16).toUpperCase()};`
}
