import { originsOf, type Origins } from '../../render/links.ts'
import { collect } from '../../format/bytes.ts'
import type { IssueText } from '../pages/parts.ts'
import { fileNameOf, isDrawing } from './files.ts'
import { INDEX, issueFolder } from './layout.ts'
import type { SiteIssue, SiteSource, StaticSite } from './model.ts'

/** Texts that are kept: those of an archive document, and then of the newest one, are also in pages. */
const MAX_KEPT = 20

/** Stands for the folder of the site while a text is rendered, once for the page and for feeds. No host has such a name. */
const ROOT = 'https://site.invalid/'

/** Stands for a drawing, by its number. */
const DRAWING = `${ROOT}drawing/`

/** The texts of a site, read and rendered when they are wanted. */
export class Texts {
  readonly site: StaticSite
  readonly source: SiteSource
  readonly #kept = new Map<string, Promise<Text>>()
  #origins: Origins | undefined

  constructor(site: StaticSite, source: SiteSource) {
    this.site = site
    this.source = source
  }

  /**
   * An issue with safe HTML of its text.
   * @param root The folder of the site, as it is seen from where the text is shown.
   * @param drawings Whether drawings may stand in the text itself.
   */
  async read(listed: SiteIssue, root: string, drawings: boolean): Promise<Text> {
    const isDrawn = drawings && listed.attachments.some(isDrawing)
    const key = `${listed.number}${isDrawn ? ' drawn' : ''}`
    let reading = this.#kept.get(key)
    if (reading === undefined) {
      reading = this.#read(listed, isDrawn)
      this.#kept.set(key, reading)
      const [oldest] = this.#kept.keys()
      if (this.#kept.size > MAX_KEPT && oldest !== undefined) this.#kept.delete(oldest)
    }
    const { issue, content } = await reading
    return { issue, content: content.replaceAll(ROOT, root) }
  }

  async #read(listed: SiteIssue, drawings: boolean): Promise<Text> {
    if (!listed.held) return missing(listed)
    const issue = await this.source.issue(listed.number)
    const addresses = new Map<string, string>()
    const drawn: string[] = []
    for (const it of listed.attachments) {
      const address = fileAddress(listed, it.name, ROOT)
      if (address !== undefined) addresses.set(it.name, address)
      else if (drawings && it.held && isDrawing(it)) {
        addresses.set(it.name, `${DRAWING}${drawn.push(it.name) - 1}`)
      }
    }
    let content = await this.source.render(issue, {
      attachmentUrl: (name) => addresses.get(name),
      home: `${ROOT}issues`,
      pageName: `/${INDEX}`,
      origins: (this.#origins ??= originsOf(this.site.issues)),
    })
    // Put in last: what cleans texts lets no such address through.
    for (const [at, name] of drawn.entries()) {
      const drawing = await this.#drawing(listed.number, name)
      content = content.replaceAll(`src="${DRAWING}${at}"`, `src="${drawing}"`)
    }
    return { issue, content }
  }

  async #drawing(number: number, name: string): Promise<string> {
    const bytes = await collect(this.source.attachment(number, name))
    const text = Array.from(bytes, (it) => String.fromCodePoint(it)).join('')
    return `data:image/svg+xml;base64,${btoa(text)}`
  }
}

interface Text {
  readonly issue: IssueText
  readonly content: string
}

function missing(listed: SiteIssue): Text {
  const issue = { ...listed, markdown: '', attachments: [], editions: 1, verified: false }
  const content =
    '<p class="missing-image">The text of this issue was not on the machine that made this page.</p>'
  return { issue, content }
}

/** Address of the file of an attachment, seen from where `root` leads to the site; undefined where there is none. */
export function fileAddress(issue: SiteIssue, name: string, root: string): string | undefined {
  const at = issue.attachments.findIndex((it) => it.name === name)
  const found = issue.attachments[at]
  if (found === undefined || !found.held || isDrawing(found)) return undefined
  return `${root}${issueFolder(issue.number)}files/${encodeURIComponent(fileNameOf(found, at + 1))}`
}
