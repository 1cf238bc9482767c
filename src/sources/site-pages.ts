import { closeSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import type { Draft, Withheld } from './source.ts'

const PAGE_FOLDERS = /(?:^|\/)_?pages?\//i
/** What pages of a site are called, as files or as folders with an `index.md`. */
const PAGE_NAMES =
  /(?:^|\/)(?:about(?:[-_ ]?(?:me|us))?|contact(?:[-_ ]us)?|imprint|impressum|privacy(?:[-_ ]policy)?|terms(?:[-_ ]of[-_ ](?:service|use))?|archives?|search|tags|categories|sitemap|colophon|blogroll|now|uses|resume|cv)(?:\/index)?(?:\.[a-z]{2}(?:[_-][a-z]{2})?)?\.\w+$/i
/** Jekyll and those who follow it keep posts there; what has no date elsewhere is a page. */
const POSTS_FOLDER = /(?:^|\/)_posts\//
/** Collections are published as posts are. */
const COLLECTION = /(?:^|\/)_[^/]+\//

/** Whether some of the files are the posts of a site that keeps them apart from its pages. */
export function hasPosts(files: readonly string[]): boolean {
  return files.some((it) => POSTS_FOLDER.test(it))
}

/**
 * Why an undated text among others is a page of their site, and no post.
 * @param file Relative to the imported folder, with `/`.
 * @param site.isSite What `hasPosts` says of all files.
 */
export function pageAmong(
  file: string,
  { isPage }: Pick<Draft, 'isPage'>,
  { isSite }: { readonly isSite: boolean },
): Withheld | undefined {
  const isOutsidePosts = isSite && !COLLECTION.test(file)
  return isPage === true || PAGE_FOLDERS.test(file) || PAGE_NAMES.test(file) || isOutsidePosts
    ? { kind: 'extras', message: 'a page of the site, which has no date, not a post' }
    : undefined
}

/** Bytes at the start of a note in which its head is looked at. */
const HEAD_BYTES = 2_048
const SAYS =
  /^(?:\u00ef\u00bb\u00bf)?---[ \t]*\r?\n(?:(?!---)[^\n]*\n){0,200}?(?:dg-)?publish(ed)?[ \t]*:[ \t]*["']?(true|yes)?/i

/**
 * In a vault of Obsidian where some notes say `publish: true`: those whose heads say anything of publishing, for all
 * others are not published. Undefined where no note says so.
 * @param folder Absolute path.
 */
export function notesThatSay(
  folder: string,
  files: readonly string[],
): ReadonlySet<string> | undefined {
  const said = new Set<string>()
  const start = Buffer.alloc(HEAD_BYTES)
  let isVault = false
  for (const file of files) {
    const [whole, more, yes] = SAYS.exec(startOf(join(folder, file), start)) ?? []
    if (whole !== undefined) said.add(file)
    isVault ||= more === undefined && yes !== undefined
  }
  return isVault ? said : undefined
}

function startOf(path: string, buffer: Buffer): string {
  try {
    const file = openSync(path, 'r')
    try {
      return buffer.toString('latin1', 0, readSync(file, buffer, 0, HEAD_BYTES, 0))
    } finally {
      closeSync(file)
    }
  } catch {
    // Who reads the whole file says why it cannot be read.
    return ''
  }
}
