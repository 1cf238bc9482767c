import type { Output } from '../../../api/contract/contract.ts'
import { singleLine, stripControls } from '../../../render/plain.ts'
import { day, wholeNumber, ANY_NEWSLETTER } from '../../command.ts'
import { type Commands, type Context, withOperations } from '../../context.ts'
import { COMFORTABLE_WIDTH, formatDate, shortKey } from '../../terminal/format.ts'
import { Progress } from '../../terminal/progress.ts'

interface Options {
  readonly in?: string
  readonly since?: string
  readonly limit?: number
}

type Result = Output<'search'>[number]

/** Some terminals say that they have no columns at all. */
const MIN_WIDTH = 20
const INDENT = '  '

export const commands: Commands = {
  search: (command, bind) =>
    command
      .more(
        'Every word must occur, or begin a word that occurs. Case and accents are ignored. Nothing leaves this machine.',
      )
      .describeArgument('words', 'words to search for, in any language')
      .option('--in <newsletter>', `only this newsletter: ${ANY_NEWSLETTER}`)
      .option('--since <date>', 'only issues since this date: 2026, 2026-03 or 2026-03-20', day)
      .option('--limit <n>', 'maximum number of results (default: 20)', wholeNumber(1, 200))
      .examples(
        'hyperletter search spring tide',
        'hyperletter search leuchtturm --in "Field Notes" --since 2025',
        `hyperletter search 川 --json | jq -r '.[].title'`,
      )
      .action(bind(search)),
}

async function search(context: Context, words: string[], options: Options): Promise<void> {
  const { io, out } = context
  const { in: newsletter, since, limit } = options
  const found = await withOperations(context, async (operations) => {
    using progress = new Progress(context, 'indexing new issues')
    progress.update({ done: 0, total: 0 })
    const input = { query: words.join(' '), newsletter, since, limit }
    return await operations.search(input, { signal: io.signal })
  })
  await out.result(found, async () =>
    found.length === 0 ? 'Nothing found.\n' : (await layOut(context, found)).join('\n'),
  )
  const [first] = found
  if (first === undefined) {
    await out.note(
      'Only downloaded issues are searched; `hyperletter status` shows how many there are.',
    )
    return
  }
  if (limit !== undefined && found.length === limit) {
    await out.note(`Top ${limit}; add words to narrow, or --limit to see more.`)
  }
  await out.next(`hyperletter read ${shortKey(first.feedKey)} ${first.number}`)
}

async function layOut(context: Context, found: readonly Result[]): Promise<string[]> {
  const { out } = context
  const { bold, cyan, dim, yellow } = out.style
  const wrap = await wrapper(context)
  return found.map((it) => {
    const star = it.starred ? ` ${yellow('★')}` : ''
    const where = `${cyan(singleLine(it.newsletter))} ${it.number}`
    const head = `${where}  ${bold(singleLine(it.title))}${star}  ${dim(formatDate(it.publishedAt))}`
    const excerpt = wrap(highlight(it.excerpt, bold))
    return excerpt === '' ? `${head}\n` : `${head}\n${excerpt}\n`
  })
}

// A terminal gets lines that fit; a program gets one line each.
async function wrapper({ out }: Context): Promise<(text: string) => string> {
  if (!out.isTerminal) return (text) => (text === '' ? '' : INDENT + text)
  const { default: wrapAnsi } = await import('wrap-ansi')
  const width = Math.min(out.width, COMFORTABLE_WIDTH) - INDENT.length
  return (text) =>
    wrapAnsi(text, Math.max(width, MIN_WIDTH), { hard: true })
      .split('\n')
      .map((line) => (line === '' ? '' : INDENT + line))
      .join('\n')
}

function highlight(
  { text, highlights }: Result['excerpt'],
  style: (text: string) => string,
): string {
  // Cleaned part by part: what is removed must not shift the places of what follows.
  const clean = (part: string) => stripControls(part).replace(/[\n\t]+/g, ' ')
  let shown = ''
  let at = 0
  for (const [start, end] of highlights) {
    shown += clean(text.slice(at, start)) + style(clean(text.slice(start, end)))
    at = end
  }
  return shown + clean(text.slice(at))
}
