/** Length up to which a text counts; a longer one is hostile or no letter. UTF-16 code units. */
const MAX_LENGTH = 2 * 1024 * 1024

// Markdown is not parsed here: an index has to read a thousand issues a second, and a mark that
// stays behind harms nobody. Every pattern is bounded, so that no text takes more than linear time.
const COMMENT_START = '<!--'
const COMMENT_END = '-->'

/** Addresses, where links and pictures lead, tags, marks of lines and of emphasis. */
const MARKUP = new RegExp(
  [
    // A character that is not meant as a mark.
    String.raw`\\[!-\/:-@[-\`{-~]`,
    // Where a footnote is called, and where it stands.
    String.raw`\[\^[^\[\]\n]{1,100}\]:?`,
    // The rest of a link or picture behind its text.
    String.raw`\]\([^()\n]{0,2000}(?:\([^()\n]{0,500}\)[^()\n]{0,500})?\)`,
    // The name of a link that is defined elsewhere.
    String.raw`\]\[[^\[\]\n]{0,500}\]`,
    // Addresses in the text.
    String.raw`<?\bhttps?:\/\/[^\s<>)]{1,4000}>?`,
    // Tags.
    String.raw`<\/?[A-Za-z][^<>\n]{0,500}>`,
    // Before the text of a picture.
    String.raw`!\[`,
    // Emphasis, code, strikethrough, tables, brackets of links.
    String.raw`[*\`~|\[\]]+`,
  ].join('|'),
  'g',
)

const LINE_MARKS =
  /^[ \t]{0,16}(?:\[[^\]^\n][^\]\n]{0,500}\]:[^\n]*|[-=:| ]{3,}$|(?:>[ \t]?|#{1,6}[ \t]|[-+*][ \t]{1,8}|\d{1,9}[.)][ \t])+)/gm

const REFERENCE = /&(?:amp|lt|gt|quot|nbsp|#39);/g
const REFERENCES: Readonly<Record<string, string>> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#39;': "'",
}

// Controls, separators, invisible and bidirectional characters. ZWNJ and ZWJ stay: they are spelling.
const UNWANTED =
  /[\u0000-\u001f\u007f-\u00a0\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]+/gu

const SPACES = / {2,}/g

/** The words of a Markdown text on one line, in their order; no marks, no addresses, no control characters. */
export function plainText(markdown: string): string {
  const text = markdown.length > MAX_LENGTH ? markdown.slice(0, MAX_LENGTH) : markdown
  return withoutComments(text)
    .replace(LINE_MARKS, '')
    .replace(MARKUP, replaceMarkup)
    .replace(REFERENCE, (it) => REFERENCES[it] ?? ' ')
    .replace(UNWANTED, ' ')
    .replace(SPACES, ' ')
    .trim()
    .toWellFormed()
}

function replaceMarkup(mark: string): string {
  const first = mark.charCodeAt(0)
  if (first === 0x5c) return mark.slice(1)
  // Tags, addresses and cells separate words; emphasis and the end of a link may be inside of one.
  return first === 0x3c || first === 0x68 || mark.includes('|') ? ' ' : ''
}

function withoutComments(text: string): string {
  let start = text.indexOf(COMMENT_START)
  if (start < 0) return text
  const parts: string[] = []
  let from = 0
  while (start >= 0) {
    const end = text.indexOf(COMMENT_END, start + COMMENT_START.length)
    if (end < 0) break
    parts.push(text.slice(from, start), ' ')
    from = end + COMMENT_END.length
    start = text.indexOf(COMMENT_START, from)
  }
  parts.push(text.slice(from))
  return parts.join('')
}
