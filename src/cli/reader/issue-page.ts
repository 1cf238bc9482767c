import type { Operations, Output } from '../../api/contract/contract.ts'
import type { Config } from '../../config/config.ts'
import type { Connection } from '../../connect.ts'
import { singleLine } from '../../render/plain.ts'
import { layOut, originsFor } from '../commands/read/read.ts'
import { COMFORTABLE_WIDTH } from '../terminal/format.ts'
import type { Context } from '../context.ts'
import { placeAfter } from './views.ts'

type Issue = Output<'readIssue'>

/** A text on the screen: an issue, or words of the reader itself. */
export class TextPage {
  readonly issue: Issue | undefined
  lines: readonly string[]
  /** Index of the line at the top. */
  top = 0

  constructor(lines: readonly string[], issue?: Issue) {
    this.lines = lines
    this.issue = issue
  }

  isAtEnd(height: number): boolean {
    return this.top + height >= this.lines.length
  }

  /** Scrolls as a key says. @returns whether that key scrolls */
  scroll(key: string, height: number): boolean {
    const last = Math.max(0, this.lines.length - height)
    const to = key === 'return' ? this.top + 1 : placeAfter(key, this.top, height - 1)
    if (to !== undefined) this.top = Math.min(Math.max(0, to), last)
    return to !== undefined
  }

  /** Shows the same text laid out anew, from about where it was read. */
  replace(lines: readonly string[]): void {
    this.top = Math.floor((this.top / Math.max(1, this.lines.length)) * lines.length)
    this.lines = lines
  }
}

/** The text of an issue, wrapped at `columns`. */
export async function linesOf(
  context: Context,
  operations: Operations,
  issue: Issue,
  columns: number,
): Promise<readonly string[]> {
  const width = Math.min(columns, COMFORTABLE_WIDTH)
  const origins = await originsFor(operations, issue, context.io.signal)
  const text = await layOut(context, issue, origins, width)
  const { fit } = await import('../../render/terminal/wrap.ts')
  // Code is not wrapped to the measure; here nothing may be wider than the screen.
  const wrapped = fit(text.replaceAll('\t', '    '), columns)
  return wrapped.trimEnd().split('\n')
}

/** What draws each picture of an issue, with its words below it; empty where the terminal can show none. */
export async function picturesOf(
  context: Context,
  operations: Operations,
  issue: Issue,
  columns: number,
): Promise<string[]> {
  const { drawPicture, fetchPictures, pictureProtocol } =
    await import('../commands/read/read-pictures.ts')
  const protocol = pictureProtocol(context.io.env)
  if (protocol === undefined) return []
  const pictures = await fetchPictures(context, operations, issue, undefined)
  return issue.attachments.flatMap(({ name, alt = '' }) => {
    const bytes = pictures.get(name)
    const drawn = bytes && drawPicture(protocol, bytes, columns)
    return drawn === undefined ? [] : [`${drawn}${singleLine(`${name} ${alt}`)}\n`]
  })
}

/** Shows a page of the web reader. @returns its address where there is no browser; it works once */
export async function openPage(
  { io, services }: Context,
  connection: Connection,
  { dataDir }: Config,
  path: string,
): Promise<string | undefined> {
  const url = await connection.openReader({ path }, { signal: io.signal })
  const { redirectFile } = await import('../commands/read/open.ts')
  const file = await redirectFile(dataDir, url)
  const isShown = file !== undefined && (await services.openBrowser(file, io.env))
  return isShown ? undefined : url
}
