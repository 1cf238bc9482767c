import { closeSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import type { Draft, Withheld } from './source.ts'
import { readFile } from 'node:fs/promises'
import { basename, dirname } from 'node:path/posix'
import { splitFrontMatter, type HeadField, type HeadValue } from './front-matter.ts'
import { parseJson } from './front-matter-parsers.ts'
import { isList, isMap, namedFields } from './head-fields.ts'
import { decodeDraft } from './text.ts'
import { withheldByHead } from './unpublished.ts'

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

type Fields = ReadonlyMap<string, HeadField>

/** The page of a section of Hugo or Zola. */
const SECTION = /(?:^|\/)_index\.(?:[\w-]+\.)?(?:md|markdown)$/
/** Fields of sections of Zola: its pages are drafts where a section is one, and those of Hugo are not. */
const OF_ZOLA = ['sort_by', 'paginate_by', 'page_template', 'transparent', 'insert_anchor_links']

/**
 * Folders of which a file says that their texts are not for everybody: by `cascade` in a section of Hugo, as a section of
 * Zola that is a draft, or in the data that Eleventy has for a folder (`letters/letters.json`).
 * @param folder Absolute path.
 * @param files Of the folder, relative, with `/`.
 */
export async function withheldFolders(
  folder: string,
  files: readonly string[],
): Promise<ReadonlyMap<string, Withheld>> {
  const found = new Map<string, Withheld>()
  for (const file of files) {
    const parent = dirname(file)
    const name = basename(file)
    const isData = [`${basename(parent)}.json`, `${basename(parent)}.11tydata.json`].includes(name)
    if (!isData && !SECTION.test(file)) continue
    for (const fields of await fieldsOfTexts(join(folder, file), isData)) {
      const withheld = withheldByHead(namedFields(fields), new Date())
      if (withheld === undefined) continue
      const { kind, message } = withheld
      const says = message.replace(/^The head says that the text /, '')
      found.set(parent, { kind, message: `its folder has a ${name}, which says that each ${says}` })
    }
  }
  return found
}

/** Why the nearest of the marked folders around a file keeps it back. */
export function withheldByFolder(
  file: string,
  folders: ReadonlyMap<string, Withheld>,
): Withheld | undefined {
  for (let at = dirname(file); ; at = dirname(at)) {
    const withheld = folders.get(at)
    if (withheld !== undefined || at === '.') return withheld
  }
}

/** What a file says of each text of its folder. */
async function fieldsOfTexts(path: string, isData: boolean): Promise<Fields[]> {
  try {
    const text = decodeDraft(await readFile(path))
    if (isData) return [fieldsIn(parseJson(text))]
    const { fields } = await splitFrontMatter(text)
    const draft = OF_ZOLA.some((it) => fields.has(it)) ? fields.get('draft') : undefined
    const cascade = fields.get('cascade')?.value ?? []
    const maps = (isList(cascade) ? cascade : [cascade]).filter(isMap).filter(isOfPages)
    return [...maps.map(fieldsIn), ...(draft === undefined ? [] : [new Map([['draft', draft]])])]
  } catch {
    // A file about the folder that cannot be read says nothing.
    return []
  }
}

function fieldsIn(values: ReadonlyMap<string, HeadValue>): Fields {
  return new Map([...values].map(([name, value]) => [name, { value, line: 1 }]))
}

/** Hugo may limit a cascade to sections, or to other kinds of pages. */
function isOfPages(cascade: ReadonlyMap<string, HeadValue>): boolean {
  const target = cascade.get('_target') ?? cascade.get('target') ?? ''
  const kind = isMap(target) ? (target.get('kind') ?? 'page') : 'page'
  return typeof kind !== 'string' || kind.includes('page')
}
