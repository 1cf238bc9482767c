import { issueAt, type Origins } from '../links.ts'
import type { HtmlOptions } from './html.ts'

/** Where an issue is shown: what it links to has addresses there. */
export interface IssueLinks {
  /** Of the pages of its newsletter, without `/` at the end: that of an issue is this, `/` and its number. */
  readonly home?: string | undefined
  /** What the address of an issue has after its number. */
  readonly pageName?: string | undefined
  /** The issues of the newsletter by what they were imported from. */
  readonly origins?: Origins | undefined
  /** Of the page that shows where a link to a newsletter leads; the link is appended. */
  readonly preview?: string | undefined
}

/** A text with the addresses of what it refers to. */
export interface HtmlInput extends IssueLinks {
  readonly text: string
  /** Of attachments, by name. */
  readonly addresses: ReadonlyMap<string, string>
  /** Where the text was imported from. */
  readonly importedFrom?: string | undefined
}

/** What `renderHtml` needs to know to lead links to issues and newsletters. */
export function optionsOf(input: HtmlInput): HtmlOptions {
  const { addresses, home = '', pageName = '', importedFrom, origins = new Map(), preview } = input
  return {
    attachmentUrl: (name) => addresses.get(name),
    linkUrl: (url) => {
      if (url.startsWith('hyperletter:'))
        return preview === undefined ? undefined : preview + encodeURIComponent(url)
      const found = issueAt(url, importedFrom, origins)
      if (found === undefined) return undefined
      return `${home}/${found.number}${pageName}${found.fragment.replace(/^#/, '#issue-')}`
    },
  }
}
