import type { LocatedIssue } from '../format/history/corrections.ts'
import { newestEdition } from '../format/history/corrections.ts'
import { renderHtml, renderUnformatted } from '../render/html/html.ts'
import { optionsOf } from '../render/html/placed.ts'
import { originsOf } from '../render/links.ts'
import { withoutTitle } from '../site/pages/content.ts'
import type { ShownLetter } from '../format/letters/shown.ts'
import { article } from '../site/pages/issue.ts'
import { lettersOf } from '../site/pages/letters.ts'
import type { Markup } from '../site/pages/parts.ts'
import { MAX_PICTURE_BYTES, type IssueReader, type VerifiedIssue } from './issue-reader.ts'

export interface ArticleOptions {
  readonly title: string
  /** Address of the newsletter's page. */
  readonly home: string
  /** What stands before and after the number in the address of an issue. */
  readonly issueAddress: readonly [before: string, after: string]
  readonly seal: Markup
  /** Verified. */
  readonly letters?: readonly ShownLetter[]
  /** Issues that links may lead to, as far as they are known. */
  readonly issues?: readonly LocatedIssue[]
}

/** Stands for an attachment until it is fetched. No host has such a name. */
const ATTACHMENT = 'https://attachment.invalid/'

/** Of pictures: what a browser draws. As a picture, SVG runs and loads nothing. */
const PICTURE = /^image\/(?:png|apng|jpeg|gif|webp|avif|svg\+xml)$/

/** Longer texts are shown as they were typed: laying one out may keep a phone busy for long. */
const MAX_RENDERED = 512 * 1024

/** Safe HTML of the text of an issue, with attachments under addresses that `articleOf` replaces. */
export function contentOf(
  { text, located }: VerifiedIssue,
  { issueAddress: [home, pageName], issues = [] }: ArticleOptions,
): string {
  if (text.markdown.length > MAX_RENDERED) return renderUnformatted(text.markdown)
  const { attachments } = newestEdition(located).record
  return renderHtml(
    text.markdown,
    optionsOf({
      text: text.markdown,
      addresses: new Map(attachments.map((it, at) => [it.name, `${ATTACHMENT}${at}`])),
      home,
      pageName,
      importedFrom: text.importedFrom,
      origins: originsOf(issues.map((it) => it.record)),
    }),
  )
}

/** An issue as elements, made of nothing but verified blocks; what it attaches is fetched when it is wanted. */
export async function articleOf(
  reader: IssueReader,
  verified: VerifiedIssue,
  options: ArticleOptions,
): Promise<DocumentFragment> {
  const { text, located } = verified
  const { title, home, seal, letters } = options
  const { attachments } = newestEdition(located).record
  const markup = article(
    {
      issue: { ...text, newsletter: title },
      content: withoutTitle(contentOf(verified, options), text.title),
      home,
      seal,
      fileUrl: (name) => `${ATTACHMENT}${attachments.findIndex((it) => it.name === name)}`,
    },
    lettersOf(letters),
  )
  const { content: fragment } = await elementsOf(markup)
  for (const it of fragment.querySelectorAll('img')) {
    const attachment = attachments[numberIn(it.src)]
    it.removeAttribute('src')
    if (attachment === undefined || !PICTURE.test(attachment.mediaType)) continue
    if (attachment.bytes > MAX_PICTURE_BYTES) continue
    whenNear(it, async () => {
      it.src = addressOf(await reader.attachment(attachment), attachment.mediaType)
    })
  }
  for (const it of fragment.querySelectorAll('a')) {
    const attachment = attachments[numberIn(it.href)]
    if (attachment === undefined) continue
    it.href = '#'
    it.addEventListener('click', (event) => {
      event.preventDefault()
      void (async () => {
        const link = document.createElement('a')
        link.href = addressOf(await reader.attachment(attachment), 'application/octet-stream')
        link.download = attachment.name.split('/').at(-1) ?? ''
        link.click()
      })()
    })
  }
  return fragment
}

/** Markup in a template, where nothing of it is loaded yet. */
export async function elementsOf(markup: Markup): Promise<HTMLTemplateElement> {
  const template = document.createElement('template')
  template.innerHTML = String(await markup)
  return template
}

function numberIn(address: string): number {
  return address.startsWith(ATTACHMENT) ? Number(address.slice(ATTACHMENT.length)) : -1
}

function addressOf(bytes: Uint8Array, type: string): string {
  return URL.createObjectURL(new Blob([bytes as Uint8Array<ArrayBuffer>], { type }))
}

/** Pictures far below are fetched when somebody scrolls there. */
function whenNear(picture: HTMLImageElement, load: () => Promise<void>): void {
  const observer = new IntersectionObserver(
    (entries) => {
      if (!entries.some((it) => it.isIntersecting)) return
      observer.disconnect()
      load().catch(() => picture.replaceWith(missing(picture.alt)))
    },
    { rootMargin: '1000px' },
  )
  observer.observe(picture)
}

function missing(alt: string): HTMLElement {
  const note = document.createElement('span')
  note.className = 'missing-image'
  note.textContent = alt === '' ? 'This picture could not be verified.' : alt
  return note
}
