const CONDITION = /\{%-?\s*(if|unless|elif|elsif|else|endif|endunless)\b([^{}]{0,500}?)-?%\}/g
/** Whether a reader has a name: not who may read. */
const OF_A_NAME = /^\s*[\w.]*name\s*(?:!=\s*(?:""|''|blank|nil|none)\s*)?$/i
/** Mailchimp's conditions on a name, and what it shows to readers who have none. */
const MAILCHIMP_CONDITION =
  /\*\|IF:\w*NAME\|\*(?:(?!\*\|(?:IF|ELSE|END))[^]){0,2000}(?:\*\|ELSE:?\|\*((?:(?!\*\|(?:IF|ELSE|END))[^]){0,2000}))?\*\|END:IF\|\*/g
const TAG =
  /[ \u00a0]?(?:\{\{([^{}]{0,500})\}\}|\{%[^{}]{0,500}?%\}|\*\|[A-Z][^|*\n]{0,100}\|\*)(?=([\s,.;:!?])?)/g
const DEFAULT = /\|\s*default(?:_if_none)?\s*:\s*(?:"|'|“|&quot;|&#39;)(.*?)(?:"|'|”|&quot;|&#39;)/s
/** Where code begins, in Markdown and in HTML. */
const CODE = /^```|`|<(pre|code)\b/gm

/**
 * A text in which a mailing service fills in what it knows of each reader, as those see it of whom it knows nothing. What
 * else a condition hides stays hidden; code stays as it is.
 * @param hasFallbacks Whatever stands behind `|` is such a text, as Beehiiv has it.
 * @returns `isCut` where something is hidden.
 */
export function withoutMergeTags(
  text: string,
  hasFallbacks = false,
): { readonly text: string; readonly isCut: boolean } {
  if (!/\{[{%]|\*\|/.test(text)) return { text, isCut: false }
  const shown = withoutConditions(text)
  const isCode = codeOf(shown.text)
  const plain = shown.text.replaceAll(
    MAILCHIMP_CONDITION,
    (whole, unknown: string | undefined, at: number) =>
      isCode[at] === 1 ? whole : (unknown ?? ''),
  )
  return { ...shown, text: withoutTags(plain, hasFallbacks) }
}

function withoutTags(text: string, hasFallbacks: boolean): string {
  const isCode = codeOf(text)
  return text.replaceAll(TAG, (whole: string, inner = '', mark: unknown, at: number) => {
    if (isCode[at + 1] === 1) return whole
    const tag = String(inner)
    const behind = hasFallbacks ? /\|(.*)$/s.exec(tag)?.[1]?.trim() : ''
    const value = DEFAULT.exec(tag)?.[1] ?? behind ?? ''
    const blank = /^[ \u00a0]/.exec(whole)?.[0] ?? ''
    // Nor is there a gap, as in "Hello ," for a reader without a name.
    return value === '' && typeof mark === 'string' ? '' : blank + value
  })
}

function withoutConditions(text: string): { text: string; isCut: boolean } {
  if (!text.includes('{%')) return { text, isCut: false }
  const isCode = codeOf(text)
  let result = ''
  let at = 0
  let depth = 0
  let isName = false
  let isShown = true
  let isCut = false
  const upTo = (end: number, next: number) => {
    if (isShown) result += text.slice(at, end)
    at = next
  }
  for (const { 0: tag, 1: word = '', 2: condition = '', index } of text.matchAll(CONDITION)) {
    if (isCode[index] === 1 || (depth === 0 && !/^(?:if|unless)$/.test(word))) continue
    const end = index + tag.length
    if (word.startsWith('end')) {
      if (--depth > 0) continue
      upTo(index, end)
      isShown = true
    } else if (word === 'if' || word === 'unless') {
      if (++depth > 1) continue
      upTo(index, end)
      isName = word === 'if' && OF_A_NAME.test(condition)
      isCut ||= !isName
      isShown = false
    } else if (depth === 1) {
      upTo(index, end)
      isShown = word === 'else' && isName
      isName &&= isShown
      isCut ||= !isName
    }
  }
  upTo(text.length, text.length)
  return { text: result, isCut }
}

/** For each character, 1 where it is code. */
function codeOf(text: string): Uint8Array {
  const code = new Uint8Array(text.length + 1)
  /** Ends that do not follow any more. */
  const missing = new Set<string>()
  let at = 0
  for (const { 0: opening, 1: element, index } of text.matchAll(CODE)) {
    const end = element === undefined ? opening : `</${element}>`
    if (index < at || missing.has(end)) continue
    const close = text.indexOf(end, index + opening.length)
    if (close < 0) missing.add(end)
    else if (opening !== '`' || !text.slice(index, close).includes('\n')) {
      at = close + end.length
      code.fill(1, index, at)
    }
  }
  return code
}
