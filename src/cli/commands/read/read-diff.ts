import { HyperletterError } from '../../../errors.ts'
import type { Output } from '../../../api/contract/contract.ts'
import { singleLine, stripControls } from '../../../render/plain.ts'
import { withOperations, type Context } from '../../context.ts'
import { formatDate, createStyle, type Style } from '../../terminal/format.ts'
import { diffWordsWithSpace, structuredPatch } from 'diff'

type Issue = Output<'readIssue'>

interface DiffRequest {
  readonly newsletter: string
  readonly number: number | undefined
  /** Compared with the first one; the newest when absent. */
  readonly edition: number | undefined
}

/**
 * What changed between an issue as first published and a newer edition of it: for people, and for programs.
 * @throws TOO_LARGE if the two cannot be compared in time.
 */
export async function readDiff(
  context: Context,
  { newsletter, number, edition }: DiffRequest,
): Promise<{ readonly text: string; readonly json: object }> {
  const { io, out, options } = context
  const { signal } = io
  const { before, after } = await withOperations(context, async (operations) => {
    const chosen = { newsletter, number }
    const later = { ...chosen, edition }
    const newer = await operations.readIssue({ ...later, markRead: true }, { signal })
    if (newer.retracted !== undefined) return { before: newer, after: newer }
    const first = { newsletter, number: newer.number, edition: 1 }
    return { before: await operations.readIssue(first, { signal }), after: newer }
  })
  const style = options.json === true ? createStyle(false) : out.style
  const diff = renderDiff(before.markdown, after.markdown, style)
  if (diff === undefined) {
    throw new HyperletterError('TOO_LARGE', 'The two editions differ too much to compare.', {
      hint: 'Read the first one with --edition 1.',
    })
  }
  return { text: describe(context, before, after, diff), json: summary(before, after, diff) }
}

function summary(before: Issue, after: Issue, diff: string) {
  const { feedKey, number, title, editions, amendedAt, note, retracted } = after
  return {
    feedKey,
    number,
    title,
    editions,
    ...(before.title === title ? {} : { titleBefore: before.title }),
    amendedAt,
    note,
    retracted,
    diff,
  }
}

function describe({ out }: Context, before: Issue, after: Issue, diff: string): string {
  const { bold, dim, red, green } = out.style
  const head = `${bold(singleLine(after.title))}\n`
  if (after.retracted !== undefined) return `${head}The issue was retracted; its text is gone.\n`
  if (after.amendedAt === undefined) return `${head}The issue has one edition.\n`
  const note = after.note === undefined ? '' : `: ${singleLine(after.note)}`
  const dates = `${formatDate(before.publishedAt)} → amended on ${formatDate(after.amendedAt)}${note}`
  const titles =
    before.title === after.title
      ? ''
      : `${red(`-${singleLine(before.title)}`)}\n${green(`+${singleLine(after.title)}`)}\n`
  const changes = diff === '' ? 'The text is the same.\n' : diff
  return `${head}${dim(dates)}\n\n${titles}${changes}`
}

const CONTEXT_LINES = 3

/** Two texts that have little in common take time that grows with the square of their length. */
const TIMEOUT_MS = 3_000

/** After this, the remaining lines are not compared word by word. */
const WORDS_TIMEOUT_MS = 2_000

/** Pairs of longer lines are not compared word by word. */
const MAX_LINE_LENGTH = 5_000

/**
 * The difference between two texts as unified hunks, cleaned for a terminal; with colour, the words that
 * changed are bold. Empty if there is none.
 * @returns undefined if the two have too little in common to be compared in time.
 */
export function renderDiff(before: string, after: string, style: Style): string | undefined {
  const [old, now] = [clean(before), clean(after)]
  const patch = structuredPatch('', '', old, now, undefined, undefined, {
    context: CONTEXT_LINES,
    timeout: TIMEOUT_MS,
  })
  if (patch === undefined) return undefined
  return patch.hunks
    .map(({ oldStart, oldLines, newStart, newLines, lines }) => {
      const head = `@@ -${oldStart},${oldLines} +${newStart},${newLines} @@`
      return `${style.cyan(head)}\n${renderLines(lines, style)}`
    })
    .join('\n')
}

function renderLines(lines: readonly string[], style: Style): string {
  let rendered = ''
  const deadline = performance.now() + WORDS_TIMEOUT_MS
  for (let at = 0; at < lines.length;) {
    const removed = run(lines, at, '-')
    const added = run(lines, at + removed.length, '+')
    if (removed.length + added.length === 0) {
      rendered += `${style.dim(lines[at] ?? '')}\n`
      at++
      continue
    }
    const words = pairs(removed, added, style, deadline)
    rendered += removed.map((it, i) => `${style.red('-')}${words.removed[i] ?? it}\n`).join('')
    rendered += added.map((it, i) => `${style.green('+')}${words.added[i] ?? it}\n`).join('')
    at += removed.length + added.length
  }
  return rendered
}

/** Lines from `at` on that begin with `mark`, without it. */
function run(lines: readonly string[], at: number, mark: string): string[] {
  const found: string[] = []
  for (let i = at; lines[i]?.startsWith(mark) === true; i++) found.push(lines[i]?.slice(1) ?? '')
  return found
}

// As many lines out as in: each replaces the other, and the words say more than the lines.
function pairs(
  removed: readonly string[],
  added: readonly string[],
  style: Style,
  deadline: number,
) {
  const isPaired = removed.length === added.length
  const words = removed.map((line, i) => {
    const other = added[i] ?? ''
    const isComparable = isPaired && Math.max(line.length, other.length) <= MAX_LINE_LENGTH
    const timeout = deadline - performance.now()
    // Undefined too if the two have too little in common to be compared in time.
    return isComparable && timeout > 0 ? diffWordsWithSpace(line, other, { timeout }) : undefined
  })
  const side = (lines: readonly string[], colour: keyof Style, skip: 'added' | 'removed') =>
    lines.map((line, i) => {
      const parts = isPaired ? words[i] : undefined
      if (parts === undefined) return style[colour](line)
      return parts
        .filter((it) => !it[skip])
        .map((it) => (it.added || it.removed ? style.bold(style[colour](it.value)) : it.value))
        .join('')
    })
  return { removed: side(removed, 'red', 'added'), added: side(added, 'green', 'removed') }
}

function clean(text: string): string {
  return stripControls(text.replaceAll('\r\n', '\n'))
}
