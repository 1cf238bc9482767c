import type { Element } from 'hast'
import {
  attachmentName,
  MAX_ATTACHMENT_BYTES,
  MAX_ATTACHMENTS,
} from '../../format/records/bodies.ts'
import { safeUrl, URL_MAX_LENGTH } from '../../render/links.ts'
import { readFromArchive, type Archive } from '../archive.ts'
import { dataPicture, inMemory } from '../data-pictures.ts'
import { mediaTypeOf, UNKNOWN_TYPE } from '../media-types.ts'
import { sourceOf, type ConversionRules } from '../html/markdown.ts'
import { attribute } from '../html/tree.ts'
import { targetsIn } from '../post-links.ts'
import { withoutMetadata } from '../picture-location.ts'
import { printable, type DraftAttachment, type WithheldKind } from '../source.ts'
import { FetchedPictures } from './fetched-pictures.ts'

/** What an author asks of an import from a service. */
export interface ExportOptions {
  readonly include?: ReadonlySet<WithheldKind> | undefined
  /** Address of the site that the posts come from, for links that do not name it. */
  readonly siteUrl?: string | undefined
  /** Pictures on the web travel with the issues, else they stay there. */
  readonly fetchPictures?: boolean | undefined
  /** Fetch also from this machine and its network. */
  readonly allowPrivateAddresses?: boolean | undefined
  /** The date of posts that say none; without it, they are left out. */
  readonly undatedAt?: Date | undefined
}

/** Where the pictures of posts and the targets of their links are. */
export interface PostContext extends ExportOptions {
  readonly pictures?: FetchedPictures | undefined
  readonly archive?: Archive | undefined
  /** Whoever reads the source sees its posts already, also those that are dated in the future. */
  readonly isPublic?: boolean | undefined
  /** Names under which the archive may have the picture of an address; none if it is none of the site. */
  namesOf?(address: string): readonly string[]
  /** The address of the picture that was uploaded, where the text shows a smaller copy. */
  originalOf?(address: string): string
}

/** A context without an archive, which others extend. */
export function contextOf(options: ExportOptions): PostContext {
  return options.fetchPictures === true
    ? { ...options, pictures: new FetchedPictures(options) }
    : options
}

/** The largest place holders, of one pixel or none, take less. */
const MIN_PICTURE_BYTES = 300

/** The pictures that a text shows: those of the archive by their names there, all others by their address. */
export class ShownPictures {
  readonly attachments: DraftAttachment[] = []
  /** Addresses of the pictures to fetch, by the names that the text gives them until then. */
  readonly remote = new Map<string, string>()
  /** Addresses of links that may lead to other posts. */
  readonly links = new Set<string>()
  readonly rules: ConversionRules
  readonly #base: string | undefined
  readonly #context: PostContext
  /** Why each of them is not there. */
  readonly #missing = new Map<string, string>()
  readonly #onWeb = new Set<string>()
  readonly #shown = new Set<string>()

  constructor(base: string | undefined, context: PostContext) {
    this.#base = base
    this.#context = context
    this.rules = {
      link: (address) => this.#link(address),
      picture: (element) => this.#show(element),
    }
  }

  has(source: string): boolean {
    return this.#shown.has(this.#original(source))
  }

  /** Takes note of the links of a text that is Markdown already. */
  linkIn(markdown: string): void {
    for (const target of targetsIn(markdown)) {
      const isPage = mediaTypeOf(target.replace(/[?#].*$/s, '')) === UNKNOWN_TYPE
      if (isPage && mayBePost(target, this.#base)) this.links.add(target)
    }
  }

  /** Says which pictures do not travel with the issue. */
  tell(warn: (message: string) => void): void {
    for (const [it, why] of this.#missing) {
      const what = mediaTypeOf(it).startsWith('image/') ? 'picture' : 'file'
      warn(`The ${what} "${printable(it, 255)}" is missing: ${why}.`)
    }
    const { size } = this.#onWeb
    if (size === 0) return
    const many = size === 1 ? 'A picture stays' : `${size} pictures stay`
    warn(`${many} on the web; --fetch-pictures takes them along.`)
  }

  #link(address: string): string | undefined {
    const file = this.#inArchive(address.trim(), '')
    if (file !== undefined) return file
    const url = linkTo(address, this.#base)
    if (url !== undefined && mayBePost(url, this.#base)) this.links.add(url)
    return url
  }

  /** The name of the file that the archive has of an address, which travels with the issue. */
  #inArchive(address: string, alt: string): string | undefined {
    const { archive } = this.#context
    if (archive === undefined) return undefined
    const name = this.#context.namesOf?.(address).find((it) => (archive.size(it) ?? 0) > 0)
    return name === undefined ? undefined : this.#attach(archive, name, alt)
  }

  #show(element: Element): string | undefined {
    const source = sourceOf(element)
    if (/^\s*data:/i.test(source)) return this.#attachData(source, attribute(element, 'alt'))
    const address = this.#original(source)
    if (address === '') return undefined
    this.#shown.add(address)
    const { pictures } = this.#context
    const attached = this.#inArchive(address, attribute(element, 'alt'))
    if (attached !== undefined) return attached
    const url = linkTo(address, this.#base)
    if (url === undefined || !/^https?:/i.test(url)) {
      if (![...this.#missing.keys()].some((it) => address.endsWith(it)))
        this.#missing.set(address, 'the export has no such file')
      return undefined
    }
    if (pictures === undefined) {
      this.#onWeb.add(url)
      return url
    }
    const placeholder = pictures.nameFor(url)
    this.remote.set(placeholder, url)
    return placeholder
  }

  /** A picture that stands in the text itself; none that only keeps the place of one. */
  #attachData(source: string, alt: string): string | undefined {
    const { name, bytes } = dataPicture(source) ?? {}
    if (name === undefined || bytes === undefined || bytes.length < MIN_PICTURE_BYTES)
      return undefined
    if (this.attachments.some((it) => it.name === name)) return name
    if (this.attachments.length >= MAX_ATTACHMENTS) {
      this.#missing.set(name, `an issue has at most ${MAX_ATTACHMENTS} attachments`)
      return undefined
    }
    this.attachments.push({
      name,
      mediaType: mediaTypeOf(name),
      ...altOf(alt),
      ...inMemory(withoutMetadata(bytes)),
    })
    return name
  }

  #original(source: string): string {
    const address = source.trim()
    if (address.length > URL_MAX_LENGTH) return ''
    return this.#context.originalOf?.(address) ?? address
  }

  #attach(archive: Archive, path: string, alt: string): string | undefined {
    const name = path.replace(/^(?:.*\/)?content\/(?=(?:images|media|files)\/)/, '')
    const sizeBytes = archive.size(path) ?? 0
    if (!this.attachments.some((it) => it.name === name)) {
      const complaint =
        sizeBytes > MAX_ATTACHMENT_BYTES
          ? `it has ${sizeBytes} bytes; ${MAX_ATTACHMENT_BYTES} is the limit`
          : this.attachments.length >= MAX_ATTACHMENTS
            ? `an issue has at most ${MAX_ATTACHMENTS} attachments`
            : attachmentName.safeParse(name).error?.issues[0]?.message
      if (complaint !== undefined) {
        this.#missing.set(name, complaint)
        return undefined
      }
      this.attachments.push({
        name,
        mediaType: mediaTypeOf(name),
        ...altOf(alt),
        sizeBytes,
        open: async () => withoutMetadata(await readFromArchive(archive, path, sizeBytes)),
      })
    }
    return name.split('/').map(encodeURIComponent).join('/')
  }
}

/** A description of a picture within the limit of a record; a longer one is in the text. */
function altOf(text: string): { alt?: string } {
  const alt = text.replaceAll(/[\s\p{C}]+/gu, ' ').trim()
  return alt === '' || alt.length > 1_024 ? {} : { alt }
}

/** The address of a post of Substack or Buttondown, whatever domain they have. */
const OF_A_POST = /(?:\/p|\/\/buttondown\.\w+\/[\w-]+\/archive)\/[^/?#]+\/?(?:[?#].*)?$/

/** Whether an address may be that of another post: one of the site, or of whatever site. */
function mayBePost(url: string, base: string | undefined): boolean {
  if (url.startsWith('#')) return false
  const host = (address = '') =>
    /^https?:\/\/(?:www\.)?([^/?#]*)/i.exec(address)?.[1]?.toLowerCase()
  const own = host(url)
  return own === undefined ? !/^[a-z]+:/i.test(url) : own === host(base) || OF_A_POST.test(url)
}

/** Where a link leads, from wherever it is read; undefined if that is no place on the web. */
function linkTo(address: string, base: string | undefined): string | undefined {
  const trimmed = address.trim()
  if (trimmed.startsWith('#')) return trimmed
  if (base !== undefined && URL.canParse(trimmed, base)) return safeUrl(new URL(trimmed, base).href)
  if (trimmed.startsWith('//')) return safeUrl(`https:${trimmed}`)
  return /^[a-z][a-z0-9+.-]*:/i.test(trimmed) ? safeUrl(trimmed) : trimmed
}
