import type { Output } from '../../api/contract/contract.ts'
import type { Config } from '../../config/config.ts'
import type { Connection } from '../../connect.ts'
import { HyperletterError } from '../../errors.ts'
import { singleLine } from '../../render/plain.ts'
import type { Context } from '../context.ts'
import { plural } from '../terminal/format.ts'
import { measureFor } from '../terminal/table.ts'
import { IssueList } from './issue-list.ts'
import { linesOf, openPage, TextPage, picturesOf } from './issue-page.ts'
import { type Key, Screen, typedAfter } from './screen.ts'
import * as views from './views.ts'

type Issue = Output<'readIssue'>
type News = Output<'watchIssues'>

/** What Tab shows behind what is shown. */
const NEXT = { unread: 'starred', starred: 'all', all: 'unread' } as const

/** Reads in the terminal: a list of issues, and the one that was chosen, key by key. Lasts until the user quits. */
export class TerminalReader {
  readonly #context: Context
  readonly #connection: Connection
  readonly #config: Config
  readonly #screen: Screen<News>
  #list: IssueList
  /** The list of the inbox while a search is shown. */
  readonly #inbox: IssueList
  #page: TextPage | undefined
  #message = ''
  /** What is typed behind `/`. */
  #typed: string | undefined
  #hasEnded = false

  constructor(context: Context, connection: Connection, config: Config, list: IssueList) {
    this.#context = context
    this.#connection = connection
    this.#config = config
    this.#screen = new Screen(context.io)
    this.#list = list
    this.#inbox = list
  }

  async run(): Promise<void> {
    const end = new AbortController()
    this.#screen.open()
    try {
      await this.#draw()
      void this.#watch(end.signal)
      while (!this.#hasEnded) {
        await this.#handle(await this.#screen.next())
        if (!this.#screen.isBehind) await this.#draw()
      }
    } finally {
      end.abort()
      this.#screen.close()
    }
  }

  get #height(): number {
    return views.listRows(this.#screen.rows)
  }

  async #handle(event: Awaited<ReturnType<Screen<News>['next']>>): Promise<void> {
    if (event.type === 'end') this.#hasEnded = true
    else if (event.type === 'news') this.#onNews(event.news)
    else if (event.type === 'resize') await this.#onResize()
    else {
      this.#message = ''
      await this.#load(() => this.#onKey(event.key))
    }
  }

  /** Runs what may take a while or fail; a failure is said at the foot of the screen. */
  async #load(work: () => Promise<unknown>): Promise<void> {
    try {
      await work()
    } catch (cause) {
      const { message } = HyperletterError.from(cause)
      this.#message = singleLine(message)
    }
  }

  async #onKey(key: Key): Promise<void> {
    if (key.name === 'ctrl-c') this.#hasEnded = true
    else if (key.name === 'ctrl-z') this.#screen.suspend()
    else if (key.name === 'ctrl-l') this.#screen.clear()
    else if (this.#typed !== undefined) await this.#type(key, this.#typed)
    else if (this.#page !== undefined) await this.#onPageKey(key, this.#page)
    else await this.#onListKey(key)
  }

  async #type(key: Key, typed: string): Promise<void> {
    const isDone = key.name === 'return'
    this.#typed = isDone ? undefined : typedAfter(key, typed)
    if (isDone && typed.trim() !== '') await this.#search(typed.trim())
  }

  async #search(query: string): Promise<void> {
    await this.#say('Searching…')
    const found = new IssueList(this.#connection.operations, { ...this.#inbox.shown, query })
    const isDone = await this.#screen.during(async (signal) => {
      await found.reload(this.#height, signal)
      return true
    })
    this.#message = ''
    if (isDone !== true) return
    this.#list = found
    this.#page = undefined
  }

  /** What was read or marked among what was found shows in the inbox, too. */
  async #endSearch(): Promise<void> {
    this.#list = this.#inbox
    await this.#inbox.reload(this.#height)
  }

  async #onListKey(key: Key): Promise<void> {
    const list = this.#list
    switch (key.name) {
      case 'q':
      case 'escape':
        if (list !== this.#inbox) return this.#endSearch()
        if (key.name === 'q') this.#hasEnded = true
        return
      case 'return':
      case 'l':
      case 'right':
        return this.#open(list.cursor)
      case 'tab':
        return list.show(NEXT[list.shown.show], this.#height)
      case 'f':
        return list.filter(this.#height)
      case 'r':
        return list.reload(this.#height)
      case 'A':
        return this.#markAll()
      default:
        if (await list.move(key.name, this.#height)) return
        await this.#onIssueKey(key)
    }
  }

  async #onPageKey(key: Key, page: TextPage): Promise<void> {
    const height = views.textRows(this.#screen.rows)
    if (['q', 'escape', 'h', 'left', 'backspace'].includes(key.name)) this.#page = undefined
    else if (page.isAtEnd(height) && key.name === 'space' && page.issue !== undefined) {
      this.#message = 'The end. n reads the next unread issue.'
    } else if (!page.scroll(key.name, height)) {
      if (page.issue === undefined) this.#page = undefined
      else await this.#onIssueKey(key)
    }
  }

  async #onIssueKey({ name }: Key): Promise<void> {
    const list = this.#list
    const row = list.chosen
    switch (name) {
      case 'n':
        return this.#next()
      case 'N':
        return this.#open(list.cursor + 1)
      case 'p':
        return this.#open(list.cursor - 1)
      case '/':
        this.#typed = ''
        return
      case '?':
        this.#page = new TextPage(views.KEYS)
        return
      case 'z':
        return this.#undoMarkAll()
      default:
    }
    if (row === undefined) return
    switch (name) {
      case 's':
        await list.mark(row, { starred: !row.starred })
        this.#message = row.starred ? 'No longer starred.' : 'Starred.'
        return
      case 'm':
        await list.mark(row, { read: !row.read })
        this.#message = row.read ? 'Marked as unread.' : 'Marked as read.'
        return
      case 'o':
        return this.#openInBrowser(`/n/${row.feedKey}/${row.number}`)
      case 'v':
        return this.#showPictures()
      default:
    }
  }

  async #next(): Promise<void> {
    const next = await this.#list.nextUnread(this.#page !== undefined)
    if (next !== undefined) await this.#open(next)
    else this.#message = 'Nothing unread is left.'
  }

  async #open(index: number): Promise<void> {
    const row = await this.#list.choose(index, this.#height)
    if (row === undefined) return
    if (!row.held) await this.#say('Fetching the issue… Esc stops.')
    const { operations } = this.#connection
    const { feedKey, number } = row
    await this.#list.changing(async () => {
      const found = await this.#screen.during(async (signal) => {
        const input = { newsletter: feedKey, number, markRead: true }
        const issue = await operations.readIssue(input, { signal })
        return { issue, lines: await this.#linesOf(issue) }
      })
      this.#message = ''
      if (found === undefined) return
      this.#page = new TextPage(found.lines, found.issue)
      this.#list.update({ ...row, read: true, held: true })
    })
  }

  #linesOf(issue: Issue): Promise<readonly string[]> {
    const { operations } = this.#connection
    return linesOf(this.#context, operations, issue, this.#screen.columns - 1)
  }

  async #markAll(): Promise<void> {
    const count = await this.#list.markAll(this.#height)
    this.#message =
      count === 0 ? 'Nothing is unread.' : `Marked ${plural(count, 'issue')} as read; z undoes it.`
  }

  async #undoMarkAll(): Promise<void> {
    if (await this.#list.undoMarkAll(this.#height)) this.#message = 'They are unread again.'
  }

  async #openInBrowser(path: string): Promise<void> {
    const url = await openPage(this.#context, this.#connection, this.#config, path)
    if (url === undefined) this.#message = 'Opened in the browser.'
    else await this.#screen.pause(`Open this address in a browser. It works once.\n\n${url}\n\n`)
  }

  async #showPictures(): Promise<void> {
    const { issue } = this.#page ?? {}
    if (issue === undefined) return
    const { operations } = this.#connection
    const pictures = await picturesOf(this.#context, operations, issue, this.#screen.columns - 1)
    if (pictures.length === 0) {
      this.#message = 'No picture can be shown here; o opens the issue in the browser.'
    }
    for (const it of pictures) if (await this.#screen.pause(it)) return
  }

  async #watch(signal: AbortSignal): Promise<void> {
    try {
      for await (const news of this.#connection.operations.watchIssues({}, { signal })) {
        this.#screen.push({ type: 'news', news })
      }
    } catch {
      // What is listed stays readable; the next key says what is wrong.
    }
  }

  #onNews(news: News): void {
    if (!('number' in news)) return
    this.#inbox.add(news)
    const words = 'event' in news ? 'Corrected' : 'New'
    this.#message = `${words}: ${singleLine(news.title)} (${singleLine(news.newsletter)})`
  }

  async #onResize(): Promise<void> {
    this.#screen.clear()
    const page = this.#page
    if (page?.issue !== undefined) page.replace(await this.#linesOf(page.issue))
    await this.#load(() => this.#list.move('', this.#height))
  }

  async #say(message: string): Promise<void> {
    this.#message = message
    await this.#draw()
  }

  async #draw(): Promise<void> {
    const { columns, rows } = this.#screen
    const { style } = this.#context.out
    const list = this.#list.view()
    const issue = this.#page?.issue
    const words = [
      ...views.wordsIn(list, rows),
      this.#message,
      this.#typed ?? '',
      issue?.title ?? '',
    ]
    const canvas = { columns, rows, style, measure: await measureFor(words) }
    const message = this.#typed === undefined ? this.#message : `Search: ${this.#typed}_`
    this.#screen.draw(
      this.#page === undefined
        ? views.drawList(list, message, canvas)
        : views.drawText(this.#page, message, canvas),
    )
  }
}
