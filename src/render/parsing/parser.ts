import MarkdownIt, { type Env, type Token } from 'markdown-it'
import cjkFriendly from 'markdown-it-cjk-friendly'
import footnotes from 'markdown-it-footnote'
import { bareUrls } from './bare-urls.ts'
import { math } from './math.ts'
import { strikethrough } from './strikethrough.ts'

/**
 * Containers within containers that are followed. Every list takes two; no text that is given to the
 * parser has as many, see `affordableLength`.
 */
const MAX_NESTING = 400

const parser = new MarkdownIt({ html: true, maxNesting: MAX_NESTING })
  .use(footnotes)
  .use(strikethrough)
  .use(bareUrls)
  .use(math)
  // Emphasis beside Chinese, Japanese and Korean punctuation, which CommonMark takes for literal asterisks.
  .use(cjkFriendly)
  // Not in GFM; and footnotes stay where they are defined, for whoever renders them to place.
  .disable(['footnote_inline', 'footnote_tail'])

// URLs are judged when the tree is cleaned; until then they stay as they were written.
parser.validateLink = () => true
parser.normalizeLink = (url) => url
parser.normalizeLinkText = (url) => url

/** Where a short reference, `[label]`, leads. */
export interface Reference {
  readonly href: string
  readonly title: string
}

export interface Tokens {
  readonly tokens: readonly Token[]
  /** By label, as the tokens that refer to them spell it. */
  readonly references: ReadonlyMap<string, Reference>
}

/** The tokens of CommonMark with all of GFM. Raw HTML is among them as it was written. */
export function tokensOf(markdown: string): Tokens {
  // Without a prototype, so that no label means something of the language's.
  const references = Object.create(null) as Record<string, Reference>
  const env: Env = { references }
  const tokens = parser.parse(markdown, env)
  return { tokens, references: new Map(Object.entries(references)) }
}
