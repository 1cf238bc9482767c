import type { Replace } from './alert-rules.ts'
import { INLINE_NOTE, NOTHING, RULES } from './dialect-rules.ts'
import { codeIn } from './markdown-code.ts'
import type { DraftWarning } from './source.ts'
import { countedTemplates, readTemplate, TEMPLATE } from './templates.ts'

export interface DialectOptions {
  /** Leave out template code that no Markdown can be made of. */
  readonly withoutTemplates?: boolean | undefined
}

export interface PlainMarkdown {
  readonly text: string
  readonly warnings: readonly DraftWarning[]
}

/** A change of a text: what stands from `start` to `end` becomes `text`. */
export interface Edit {
  readonly start: number
  readonly end: number
  readonly text: string
}

/**
 * A text in the dialects of note books and site generators as the Markdown of the format: wiki links and embeds,
 * short codes of pictures and films, paths with spaces, sizes and `{{ site.baseurl }}`, highlights and admonitions.
 * Comments are left out. All other template code is counted, or left out. Code stays as it is, and so does every
 * line its number. Linear in time.
 */
export function readDialects(text: string, options: DialectOptions = {}): PlainMarkdown {
  if (!text.includes('\r\n')) return readLines(text, options)
  const written = text.split('\n')
  const plain = text.replaceAll('\r\n', '\n')
  const read = readLines(plain, options)
  const lines = read.text === plain ? undefined : read.text.split('\n')
  // Each line ends as it did.
  const isPlain = (at: number) => at < written.length - 1 && written[at]?.endsWith('\r') === false
  const ended = lines?.map((it, at) => (isPlain(at) ? it : `${it}\r`))
  return { ...read, text: ended?.join('\n').replace(/\r$/, '') ?? text }
}

function readLines(text: string, options: DialectOptions): PlainMarkdown {
  const warnings: DraftWarning[] = []
  let comments = 0
  const notes: string[] = []
  const unread = new Map<string, number[]>()
  const resources = new Map<string, string>()

  const followed = pairsIn(text)
  const plain = readPart(text, 0, 0, (mark) => mayHave(followed, mark) && text.includes(mark))
  if (comments > 0) {
    warnings.push({
      message: `${comments === 1 ? 'A comment is' : `${comments} comments are`} left out.`,
    })
  }
  warnings.push(...countedTemplates(unread, text, options.withoutTemplates === true))
  return { text: notes.length === 0 ? plain : `${plain.trimEnd()}\n\n${notes.join('')}`, warnings }

  /** A part of the text that begins at `offset`, read; `depth` counts the parts around it. */
  function readPart(part: string, offset: number, depth: number, has: (mark: string) => boolean) {
    /** What is code, or was read already. */
    let taken: Uint8Array | undefined
    const edits: Edit[] = []
    const change = (pattern: RegExp, replace: Replace) => {
      let count = 0
      for (const match of part.matchAll(pattern)) {
        taken ??= codeIn(part)
        if (taken[match.index] === 1) continue
        const [whole] = match
        const after = replace(match, (inner) => {
          if (depth === MAX_DEPTH || !MAY_BE_DIALECT.test(inner)) return inner
          const at = Math.max(0, whole.indexOf(inner))
          return readPart(inner, offset + match.index + at, depth + 1, (it) => inner.includes(it))
        })
        if (after === undefined) continue
        const lines = lineEnds(whole) - lineEnds(after)
        edits.push({
          start: match.index,
          end: match.index + whole.length,
          text: after + '\n'.repeat(Math.max(0, lines)),
        })
        taken.fill(1, match.index, match.index + whole.length)
        count++
      }
      return count
    }
    for (const [marks, pattern, replace] of RULES) {
      const isThere = typeof marks === 'function' ? marks(part) : marks.some(has)
      if (!isThere) continue
      const count = change(pattern, replace)
      if (replace === NOTHING) comments += count
    }
    if (has('^['))
      change(INLINE_NOTE, ([, words = ''], within) => {
        if (words.split('\n').length > 2) return undefined
        const label = `[^inline-${notes.length + 1}]`
        const at = notes.push('') - 1
        notes[at] = `${label}: ${within(words.replaceAll(/\s*\n\s*/g, ' ').trim())}\n`
        return label
      })
    if (has('{{') || has('{%'))
      change(TEMPLATE, (match) => {
        const { 0: tag, index } = match
        const known = readTemplate(tag, {
          before: part[index - 1],
          isAlone: isAlone(part, index, index + tag.length),
          resources,
        })
        if (known.markdown !== undefined) return known.markdown
        const before = unread.get(known.name)
        if (before === undefined) unread.set(known.name, [offset + match.index])
        else before.push(offset + match.index)
        return options.withoutTemplates === true ? '' : undefined
      })
    return edited(part, edits)
  }
}

/** Notes within marks within boxes within lists of meanings: nobody writes more levels. */
const MAX_DEPTH = 4
/** No rule finds anything in a text without one of these. */
const MAY_BE_DIALECT = /[[\]{}%!<=^~:\\|?]/

const pairs = new Uint8Array(256 * 256)
/** Room for the text of nearly every issue. */
const room = Buffer.allocUnsafeSlow(64 * 1024)

/**
 * Which two characters follow each other in a text, by the low bytes of both, until it is called again: most marks have
 * two that nowhere do, and need not be looked for.
 */
function pairsIn(text: string): Uint8Array {
  pairs.fill(0)
  const bytes = text.length <= room.length ? room : Buffer.allocUnsafeSlow(text.length)
  bytes.write(text, 'latin1')
  let last = 0
  for (let at = 0; at < text.length; at++) {
    const code = bytes[at] ?? 0
    pairs[(last << 8) | code] = 1
    last = code
  }
  return pairs
}

function mayHave(pairsOfText: Uint8Array, mark: string): boolean {
  for (let at = 1; at < mark.length; at++) {
    if (pairsOfText[(mark.charCodeAt(at - 1) << 8) | mark.charCodeAt(at)] === 0) return false
  }
  return true
}

/** A text with edits, of which the first of two that overlap counts. */
export function edited(text: string, edits: readonly Edit[]): string {
  let result = ''
  let done = 0
  for (const { start, end, text: after } of edits.toSorted(
    (a, b) => a.start - b.start || b.end - a.end,
  )) {
    if (start < done) continue
    result += text.slice(done, start) + after
    done = end
  }
  return result + text.slice(done)
}

/**
 * Whether nothing else stands on the line of a part of a text.
 * @param marks What the line may begin with, after a line feed.
 */
export function isAlone(
  text: string,
  start: number,
  end: number,
  marks = /\n[ \t>*+-]*$/,
): boolean {
  const from = Math.max(0, start - MAX_MARKS)
  const before = (from === 0 ? '\n' : '') + text.slice(from, start)
  return marks.test(before) && /^[ \t]*(?:\r?\n|$)/.test(text.slice(end, end + MAX_MARKS))
}

/** Characters of marks and blanks beside a short code that are looked at. */
const MAX_MARKS = 80

function lineEnds(text: string): number {
  return text.split('\n').length - 1
}
