import type { Operations } from '../../api/contract/contract.ts'
import { HyperletterError } from '../../errors.ts'
import { singleLine, stripControls } from '../../render/plain.ts'
import { ask } from '../input.ts'
import type { Context } from '../context.ts'
import { layOut, originsFor } from '../commands/read/read.ts'
import { COMFORTABLE_WIDTH, formatDate, markedTitle } from '../terminal/format.ts'
import { IssueList, type Shown } from './issue-list.ts'
import type { Row } from './views.ts'

/** Lines of a screen that are no issues or text: the question, and one of the text before. */
const FRAME = 3

const LIST_QUESTION = 'Number to read, n next unread, m more, /words to search, ? help, q quit: '
const ISSUE_QUESTION = 'n next unread, s star, u mark unread, l list, q quit: '
const MORE_QUESTION = 'Enter for more, l list: '

const HELP = `Type one of these, then Enter.
A number: read that issue.
n: the next unread issue. m, or nothing: more of the list. l: the list from its beginning.
s and u, of the issue that was read last: star it, or mark it as unread.
/words: search saved issues. a: all issues. i: unread issues. q: quit.
`

/**
 * Reads in the terminal line by line: for screen readers, and terminals that cannot be drawn on. Never prints more than a
 * screen before it asks.
 */
export async function readPlainly(
  context: Context,
  operations: Operations,
  list: IssueList,
): Promise<void> {
  await new PlainReader(context, operations, list).run()
}

class PlainReader {
  readonly #context: Context
  readonly #operations: Operations
  #list: IssueList
  #from = 0
  #printed = 0
  #last: Row | undefined

  constructor(context: Context, operations: Operations, list: IssueList) {
    this.#context = context
    this.#operations = operations
    this.#list = list
  }

  async run(): Promise<void> {
    await this.#print()
    for (;;) {
      const question = this.#last === undefined ? LIST_QUESTION : ISSUE_QUESTION
      const answer = await ask(this.#context.io, question)
      if (answer === undefined || answer === 'q') return
      try {
        await this.#obey(answer)
      } catch (error) {
        this.#context.io.signal.throwIfAborted()
        await this.#context.out.error(HyperletterError.from(error))
      }
    }
  }

  get #height(): number {
    return Math.max(1, (this.#context.io.stdout.rows || 24) - FRAME)
  }

  async #obey(answer: string): Promise<void> {
    const last = this.#last
    if (/^\d+$/.test(answer)) return this.#read(Number(answer) - 1)
    if (answer.startsWith('/')) return this.#search(answer.slice(1).trim())
    switch (answer) {
      case '':
      case 'm':
        if (last === undefined) this.#from += this.#printed
        return this.#print()
      case 'n': {
        const next = await this.#list.nextUnread(last !== undefined)
        if (next !== undefined) return this.#read(next)
        return this.#context.out.text('Nothing unread is left.\n')
      }
      case 'l':
        this.#from = 0
        return this.#print()
      case 'a':
        return this.#show({ show: 'all' })
      case 'i':
        return this.#show({ show: 'unread' })
      case 's':
      case 'u':
        if (last === undefined) break
        await this.#list.mark(last, answer === 's' ? { starred: true } : { read: false })
        return this.#context.out.text(answer === 's' ? 'Starred.\n' : 'Marked as unread.\n')
      default:
    }
    await this.#context.out.text(HELP)
  }

  async #search(query: string): Promise<void> {
    if (query !== '') await this.#show({ ...this.#list.shown, query })
  }

  async #show(shown: Shown): Promise<void> {
    this.#list = new IssueList(this.#operations, shown)
    this.#from = 0
    await this.#list.reload(this.#height)
    await this.#print()
  }

  /** A screen of the list. */
  async #print(): Promise<void> {
    this.#last = undefined
    await this.#list.choose(this.#from, this.#height)
    const { title, isWhole, issues, empty } = this.#list.view()
    const lines: string[] = []
    const { width } = this.#context.out
    let left = this.#height
    for (const [i, row] of issues.slice(this.#from).entries()) {
      const line = lineOf(row, this.#from + i + 1)
      left -= Math.ceil(line.length / Math.max(1, width))
      if (left < 0 && i > 0) break
      lines.push(line)
    }
    this.#printed = lines.length
    const isMore = !isWhole || this.#from + this.#printed < issues.length
    if (lines.length === 0)
      lines.push(issues.length === 0 ? `${empty}\n` : 'The end of the list.\n')
    await this.#context.out.text(`${title}${isMore ? ', more below' : ''}\n${lines.join('')}`)
  }

  async #read(index: number): Promise<void> {
    const row = await this.#list.choose(index, this.#height)
    if (row === undefined) return
    const { signal } = this.#context.io
    const input = { newsletter: row.feedKey, number: row.number, markRead: true }
    const issue = await this.#list.changing(async () => {
      const found = await this.#operations.readIssue(input, { signal })
      this.#list.update({ ...row, read: true })
      return found
    })
    this.#last = row
    const origins = await originsFor(this.#operations, issue, signal)
    const width = Math.min(this.#context.out.width || COMFORTABLE_WIDTH, COMFORTABLE_WIDTH)
    const text = await layOut(this.#context, issue, origins, width)
    // Rules are read out sign by sign.
    const lines = text
      .trimEnd()
      .split('\n')
      .filter((it) => !/^\s*[─═]+$/.test(stripControls(it)))
    for (let at = 0; at < lines.length; at += this.#height) {
      await this.#context.out.text(`${lines.slice(at, at + this.#height).join('\n')}\n`)
      if (at + this.#height >= lines.length) return
      if ((await ask(this.#context.io, MORE_QUESTION)) !== '') return
    }
  }
}

/** An issue on a line, as it is read out. */
function lineOf(row: Row, number: number): string {
  const marks = [
    ...(row.read ? ['read'] : []),
    ...(row.starred ? ['starred'] : []),
    ...(row.held ? [] : ['not downloaded']),
  ]
  const facts = [
    singleLine(row.newsletter),
    `number ${row.number}`,
    formatDate(row.publishedAt),
    ...marks,
  ]
  return `${number}. ${markedTitle(row)}. ${facts.join(', ')}.\n`
}
