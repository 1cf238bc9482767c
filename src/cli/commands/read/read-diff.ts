import { defined } from '../../../defined.ts'
import { HyperletterError } from '../../../errors.ts'
import type { Output } from '../../../api/contract/contract.ts'
import { singleLine } from '../../../render/plain.ts'
import { withOperations, type Context } from '../../context.ts'
import { formatDate } from '../../terminal/format.ts'
import { createStyle } from '../../terminal/style.ts'

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
    const chosen = { newsletter, ...defined({ number }) }
    const later = { ...chosen, ...defined({ edition }) }
    const newer = await operations.readIssue({ ...later, markRead: true }, { signal })
    if (newer.retracted !== undefined) return { before: newer, after: newer }
    const first = { newsletter, number: newer.number, edition: 1 }
    return { before: await operations.readIssue(first, { signal }), after: newer }
  })
  const { renderDiff } = await import('../../terminal/diff.ts')
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
    ...defined({ amendedAt, note, retracted }),
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
