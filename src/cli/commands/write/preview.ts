import type { Output } from '../../../api/contract/contract.ts'
import { HyperletterError } from '../../../errors.ts'
import { singleLine, formatBytes } from '../../../render/plain.ts'
import { wrap } from '../../../render/terminal/wrap.ts'
import { OWN_NEWSLETTER, wholeNumber } from '../../command.ts'
import { type Commands, type Context, withConnection } from '../../context.ts'
import { localWords, plural, quoteTitle } from '../../terminal/format.ts'
import { draftSource, type SiteOptions } from './draft-input.ts'

interface PreviewOptions extends SiteOptions {
  readonly to?: string
  readonly text?: boolean
  readonly browser: boolean
  readonly port?: number
}

type Event = Output<'previewDraft'>
type Preview = Extract<Event, { event: 'preview' }>

const WHAT_IT_SHOWS = `
On a terminal, the preview opens in the browser, or in the terminal where there is none, and follows the file and its
pictures until Ctrl-C. Elsewhere it is printed once. Nothing is published.
`

export const commands: Commands = {
  preview: (command, bind) =>
    command
      .more('Lists what looks wrong.')
      .describeArgument('file', 'the Markdown file, or - for standard input')
      .option('--to <newsletter>', OWN_NEWSLETTER)
      .option('--text', 'show it in the terminal')
      .option('--no-browser', 'print the address without opening a browser')
      .option('--port <n>', 'port to serve it on; remembered', wholeNumber(1, 65_535))
      .ofSite()
      .details(WHAT_IT_SHOWS)
      .examples(
        'hyperletter preview spring-tides.md',
        'hyperletter preview spring-tides.md --text',
        'hyperletter preview spring-tides.md --json',
      )
      .action(bind(preview)),
}

async function preview(context: Context, file: string, options: PreviewOptions): Promise<void> {
  const { io, out, services } = context
  const draft = await draftSource(context, file, options)
  const request = { draft, newsletter: options.to }
  const { signal } = io
  const isLive = out.isTerminal && context.options.json !== true
  await withConnection(
    context,
    async ({ operations, openReader }, { dataDir }) => {
      // A draft that cannot be read at all fails at once.
      const first = await look(operations.previewDraft(request, { signal }))
      if (!isLive) {
        const { event: _event, revision: _revision, ...shown } = first
        return out.result(shown, async () => previewText(context, first))
      }
      let isText = options.text === true
      if (!isText) {
        const url = await openReader({ preview: request, port: options.port }, { signal })
        const { redirectFile } = await import('../read/open.ts')
        const page = options.browser ? await redirectFile(dataDir, url) : undefined
        const isShown = page !== undefined && (await services.openBrowser(page, io.env))
        isText = options.browser && !isShown
        if (!isText) await out.text(`${url}\n`)
        if (!isText && !isShown) await out.note('Open this address in a browser. It works once.')
      }
      await out.note('It follows the file. Press Ctrl-C to stop.')
      for await (const event of operations.previewDraft({ ...request, follow: true }, { signal })) {
        const text = event.event === 'refused' ? refusal(context, event) : undefined
        if (!isText) await out.text(text ?? findingsText(context, event as Preview))
        else await out.text(CLEAR + (text ?? (await previewText(context, event as Preview))))
      }
    },
    { lend: isLive },
  )
}

/** Clears the terminal and what scrolled out of it. */
const CLEAR = '\u001b[H\u001b[2J\u001b[3J'

/** The one state of a draft that is not followed. */
export async function look(events: AsyncIterable<Event>): Promise<Preview> {
  for await (const it of events) if (it.event === 'preview') return it
  throw new HyperletterError('INTERNAL', 'There was nothing to show.')
}

/** A draft as text for the terminal, and below it what looks wrong. */
export async function previewText(context: Context, shown: Preview): Promise<string> {
  const { layOut } = await import('../read/read.ts')
  const width = Math.min(context.io.stdout.columns || 80, 80)
  const text = await layOut(context, shown.issue, new Map(), width, true)
  return `${text}\n${findingsText(context, shown)}`
}

/** What looks wrong with a draft; also said where nothing does. */
export function findingsText({ out }: Context, shown: Preview): string {
  const { issue, findings, sizeBytes, publishAt } = shown
  const { green, yellow, dim } = out.style
  const files = issue.attachments.length
  const more = files === 0 ? '' : ` with ${plural(files, 'file')}`
  const when = publishAt === undefined ? '' : `, published ${localWords(publishAt)}`
  const facts = dim(
    `issue ${issue.number} of ${quoteTitle(issue.newsletter)}, ${formatBytes(sizeBytes)}${more}${when}`,
  )
  if (findings.length === 0) return `${green('Nothing looks wrong.')} ${facts}\n`
  const lines = findings.map(({ line, message }) => {
    const where = line === undefined ? '' : `line ${line}: `
    const text = wrap(`${where}${singleLine(message)}`, out.width - 4)
    return `  ${text.replaceAll('\n', '\n    ')}\n`
  })
  return `${yellow(plural(findings.length, 'thing'))} to look at; ${facts}\n${lines.join('')}`
}

function refusal({ out }: Context, { message, hint }: Extract<Event, { event: 'refused' }>) {
  const next = hint === undefined ? '' : `  ${singleLine(hint)}\n`
  return `${out.style.red('Not publishable as it is:')} ${singleLine(message)}\n${next}`
}
