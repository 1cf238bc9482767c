import type { Support } from '../../format/records/bodies.ts'
import type { IssueLinks } from '../../render/html/placed.ts'
import type { IssueSummary, IssueText } from '../pages/parts.ts'

/** What an author adds to the look of a site: trusted, and inserted as it is. */
export interface SiteTheme {
  readonly css?: string | undefined
  readonly header?: string | undefined
  readonly footer?: string | undefined
  readonly icon?: Uint8Array | undefined
  /** What previews of links show. */
  readonly cover?: Uint8Array | undefined
}

/** An issue as its newest edition is, with nothing in it of who reads it here. */
export type SiteIssue = IssueSummary & {
  readonly attachments: IssueText['attachments']
  /** What the letters below it depend on. */
  readonly letterFacts?: unknown
}

export interface StaticSite {
  readonly newsletter: {
    readonly feedKey: string
    readonly link: string
    readonly title: string
    readonly description?: string | undefined
    readonly authors?: readonly { readonly name: string }[] | undefined
    readonly website?: string | undefined
    readonly license?: string | undefined
    readonly support?: Support[] | undefined
    readonly names?: readonly string[] | undefined
    readonly successor?: { readonly link: string; readonly issuedAt: string } | undefined
  }
  /** All of them, newest first. */
  readonly issues: readonly SiteIssue[]
  /** Where it will be on the web, with `/` at the end: what a sitemap, previews and feeds name. */
  readonly address?: string | undefined
  readonly theme: SiteTheme
  /** Also one feed with every issue, which is written anew with each. */
  readonly completeFeed?: boolean | undefined
}

/** Where an issue is shown. */
export interface SitePlace extends IssueLinks {
  readonly attachmentUrl: (name: string) => string | undefined
}

/** Reads what pages are made of. Called only for what has to be written. */
export interface SiteSource {
  /** With its text. Asked only for what is held. */
  readonly issue: (number: number) => Promise<IssueText>
  /** Safe HTML of its text. */
  readonly render: (issue: IssueText, place: SitePlace) => Promise<string>
  /** @param from bytes at its beginning that are left out. */
  readonly attachment: (number: number, name: string, from?: number) => AsyncIterable<Uint8Array>
}

export interface SiteFile {
  /** Below the folder of the site, with `/`. */
  readonly path: string
  /** What its content depends on: as long as that is equal, so is the file. None for what is given as it is. */
  readonly facts: unknown
  readonly pieces: () => AsyncIterable<string | Uint8Array>
  /** What belongs to it and is the same as long as it is: to be written before it. */
  readonly shows?: readonly ShownFile[]
}

/** A picture, or another file of an issue. */
export interface ShownFile {
  readonly path: string
  readonly bytes: number
  readonly mediaType: string
  /** @param from bytes at its beginning that are left out. */
  readonly pieces: (from?: number) => AsyncIterable<Uint8Array>
}

/** Of the program, the same in every site. */
export interface SiteAssets {
  readonly style: string
  readonly icon: Uint8Array
  /** The script of pages that checks them. */
  readonly verify: string
  /** The reader in one file. */
  readonly reader: string
}
