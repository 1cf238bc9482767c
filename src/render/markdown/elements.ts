import type { Data, Nodes, Parents } from 'mdast'
import type { Parent } from 'unist'
import { readHtml, type HtmlTag } from './raw-html.ts'

/** An element of raw HTML within Markdown: what lies between its tags are its children, Markdown too. */
export interface HtmlElement extends Parent {
  type: 'element'
  /** In lower case. */
  name: string
  attributes: ReadonlyMap<string, string>
  children: Nodes[]
  data?: Data & { /** What links within the text lead to. */ id?: string }
}

declare module 'mdast' {
  interface RootContentMap {
    element: HtmlElement
  }
  interface PhrasingContentMap {
    element: HtmlElement
  }
  interface BlockContentMap {
    element: HtmlElement
  }
}

// Elements that HTML defines. `<T>` in "a Vec<T>" is not one of them and stays as text.
const HTML_ELEMENTS = new Set(
  (
    'a abbr acronym address applet area article aside audio b base basefont bdi bdo big blink ' +
    'blockquote body br button canvas caption center cite code col colgroup data datalist dd del ' +
    'details dfn dialog dir div dl dt em embed fieldset figcaption figure font footer form frame ' +
    'frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html i iframe img input ins kbd label legend ' +
    'li link main map mark marquee math menu meta meter nav nobr noembed noframes noscript object ' +
    'ol optgroup option output p param picture plaintext portal pre progress q rp rt ruby s samp ' +
    'script search section select slot small source span strike strong style sub summary sup svg ' +
    'table tbody td template textarea tfoot th thead time title tr track tt u ul var video wbr xmp'
  ).split(' '),
)

const VOID = new Set(
  'area base basefont br col embed frame hr img input link meta param source track wbr'.split(' '),
)

/** Elements whose content is no text for people, or a fallback for what is shown otherwise. */
export const WITHOUT_TEXT: ReadonlySet<string> = new Set(
  'script style template noscript iframe object svg math noembed noframes head audio video canvas applet'.split(
    ' ',
  ),
)

// Which open elements a start tag ends that has no end tag before it (HTML, 13.1.2.4).
const P = ['p']
const CELLS = ['td', 'th', 'p', 'caption']
const ROWS = [...CELLS, 'tr']
const SECTIONS = [...ROWS, 'thead', 'tbody', 'tfoot', 'colgroup']
const ENDS: Readonly<Record<string, readonly string[]>> = {
  a: ['a'],
  li: ['li', 'p'],
  dt: ['dt', 'dd', 'p'],
  dd: ['dt', 'dd', 'p'],
  td: CELLS,
  th: CELLS,
  tr: ROWS,
  thead: SECTIONS,
  tbody: SECTIONS,
  tfoot: SECTIONS,
  rt: ['rt', 'rp'],
  rp: ['rt', 'rp'],
  ...Object.fromEntries(
    (
      'address article aside blockquote center details div dl fieldset figcaption figure footer form ' +
      'h1 h2 h3 h4 h5 h6 header hr main menu nav ol p pre section table ul'
    )
      .split(' ')
      .map((name) => [name, P]),
  ),
}

/** Elements within each other in one place that are followed; deeper ones count as not written. */
const MAX_OPEN = 16

interface Open {
  readonly name: string
  readonly into: Nodes[]
}

/**
 * The children of a node with the raw HTML among them as elements, which hold whatever lies between their
 * tags. An element ends with its parent at the latest. Linear in time.
 */
export function nested({ type, children }: Parents): Nodes[] {
  const root: Nodes[] = []
  const open: Open[] = []
  const counts = new Map<string, number>()
  /** How many elements are open around the outermost one without text. */
  let hiddenFrom: number | undefined
  const into = () => open.at(-1)?.into ?? root
  const count = (name: string, change: number) => counts.set(name, (counts.get(name) ?? 0) + change)
  const end = (name: string) => {
    if ((counts.get(name) ?? 0) === 0) return
    for (let last = open.pop(); last !== undefined; last = open.pop()) {
      count(last.name, -1)
      if (open.length === hiddenFrom) hiddenFrom = undefined
      if (last.name === name) return
    }
  }
  const begin = ({ name, attributes, closesItself }: HtmlTag) => {
    while (ENDS[name]?.includes(open.at(-1)?.name ?? '') === true) end(open.at(-1)?.name ?? '')
    const element: HtmlElement = { type: 'element', name, attributes, children: [] }
    const isDeep = open.length >= MAX_OPEN
    if (!isDeep) into().push(element)
    if (VOID.has(name) || closesItself) return
    if (WITHOUT_TEXT.has(name)) hiddenFrom ??= open.length
    open.push({ name, into: isDeep ? into() : element.children })
    count(name, 1)
  }
  const addText = (value: string) => {
    const isTyped = (counts.get('pre') ?? 0) > 0
    into().push({ type: 'text', value: isTyped ? value : value.replace(/[ \t\r\n\f]+/g, ' ') })
  }
  const isBlock = BLOCK_PARENTS.has(type)
  let closed: ReadonlySet<string> | undefined
  for (const child of children) {
    if (child.type !== 'html') {
      into().push(child)
      continue
    }
    for (const part of readHtml(child.value)) {
      if (part.type === 'text') addText(part.value)
      else if (!HTML_ELEMENTS.has(part.name)) addText(part.source)
      // A lone capital is a type parameter far more often than `<A>`, `<B>` or `<U>`.
      else if (!isBlock && isLoneCapital(part.source)) {
        closed ??= closedIn(children)
        const isTag = part.type === 'open' ? closed.has(part.name) : counts.get(part.name)
        if (!isTag) addText(part.source)
        else if (part.type === 'open') begin(part)
        else end(part.name)
      } else if (part.type === 'open') begin(part)
      else end(part.name)
    }
    // Of a block, nothing goes on behind it in which no text is looked for.
    if (isBlock && hiddenFrom !== undefined)
      for (const it of open.slice(hiddenFrom).toReversed()) end(it.name)
  }
  return root
}

const BLOCK_PARENTS: ReadonlySet<string> = new Set([
  'root',
  'blockquote',
  'list',
  'listItem',
  'footnoteDefinition',
])

function isLoneCapital(source: string): boolean {
  return /^<\/?[A-Z]>$/.test(source)
}

/** The names of one letter that an end tag among these has. */
function closedIn(children: readonly Nodes[]): ReadonlySet<string> {
  const names = children.flatMap((it) => {
    const [, name] = (it.type === 'html' ? /^<\/([A-Za-z])\s*>$/.exec(it.value) : null) ?? []
    return name === undefined ? [] : [name.toLowerCase()]
  })
  return new Set(names)
}

export function textIn(nodes: readonly Nodes[]): string {
  return nodes
    .map((it) =>
      it.type === 'element' && it.name === 'br'
        ? '\n'
        : 'value' in it
          ? it.value
          : 'children' in it
            ? textIn(it.children)
            : '',
    )
    .join('')
}
