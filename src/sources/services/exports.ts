import { open, readdir, stat } from 'node:fs/promises'
import { basename, dirname, join, sep } from 'node:path'
import { codeOf, type HyperletterError, invalidInput } from '../../errors.ts'
import { lazy } from '../../async.ts'
import { folderArchive, zipArchive, type Archive } from '../archive.ts'
import { compareNaturally, type DraftSource } from '../source.ts'
import type { ExportOptions } from './shown-pictures.ts'

// A folder of Markdown needs none of them.
const beehiivExport = lazy(async () => (await import('./beehiiv.ts')).beehiivExport)
const buttondownExport = lazy(async () => (await import('./buttondown.ts')).buttondownExport)
const feedImport = lazy(async () => (await import('./feed.ts')).feedImport)
const ghostExport = lazy(async () => (await import('./ghost.ts')).ghostExport)
const mboxExport = lazy(async () => (await import('./mbox.ts')).mboxExport)
const substackExport = lazy(async () => (await import('./substack.ts')).substackExport)
const wordpressExport = lazy(async () => (await import('./wordpress.ts')).wordpressExport)

/** Bytes at the start of a file that identify its kind. */
const START_BYTES = 64 * 1024

/** The beginning of a Ghost export: its tables lie below `data`, and its version beside them. */
const GHOST =
  /^\s*\{\s*"(?:db"\s*:\s*\[\s*\{\s*"(?:meta|data)|meta"\s*:\s*\{[^{}]*\}\s*,\s*"data|data"\s*:\s*\{\s*")"/

/** A WordPress export is well-formed RSS, in which drafts look like posts: only its own namespace identifies it. */
const WXR = /xmlns:wp\s*=\s*["']https?:\/\/wordpress\.org\/export\//

/** The head of the list of posts: the columns that no other service has. */
const BEEHIIV = /^(?=[^\r\n]*\bweb_title\b)[^\r\n]*\bcontent_html\b/
const FEED =
  /^\s*(?:<[?!][^>]*>\s*)*<(?:\w+:)?(?:rss|feed|rdf)\b|^\s*\{[^]{0,2000}"https?:\/\/jsonfeed\.org\/version\//i
const MBOX = /^From (?:.{0,300}\d\d:\d\d.{0,40})?\r?\n[\w-]+:/
const MAIL_NAME = /\.eml$/i
const TEXT_NAME = /\.(?:md|markdown|mdown|mkdn?|mdwn|txt)$/i

/**
 * The posts that a service exported, as a file, a zip file, or a folder that one was unpacked to; undefined for a folder
 * of texts.
 * @param path Absolute, or the address of a feed.
 * @throws INVALID_INPUT for a file that is no export that is known.
 */
export async function serviceExport(
  path: string,
  options: ExportOptions,
): Promise<DraftSource | undefined> {
  if (/^https?:\/\//i.test(path)) return feedImport({ address: path }, options)
  const facts = await stat(path).catch(() => undefined)
  if (facts?.isDirectory() === true) return exportInFolder(path, options)
  if (facts?.isFile() !== true) return undefined
  const start = await startOf(path)
  if (start.startsWith('PK\u0003\u0004')) return exportInZip(path, options)
  const folder = dirname(path)
  const name = basename(path)
  if (GHOST.test(start)) return ghostIn(folder, name, options)
  if (WXR.test(start)) return wordpressExport(folderArchive(folder), [name], options)
  if (BEEHIIV.test(start)) return beehiivExport(folderArchive(folder), name, options)
  if (MBOX.test(start) || MAIL_NAME.test(name))
    return mboxExport(folderArchive(folder), [name], options)
  if (FEED.test(start)) return feedImport({ archive: folderArchive(folder), name }, options)
  throw unknown(name)
}

async function exportInFolder(
  folder: string,
  options: ExportOptions,
): Promise<DraftSource | undefined> {
  const names: string[] = await readdir(folder).catch(() => [])
  // Of the folders, those that go with a list of posts.
  for (const [list, beside] of [
    [/^posts\.csv$/, 'posts'],
    [/^(?:emails\.csv|\.?(?:buttondown|newsletter)\.json)$/, 'emails'],
  ] as const) {
    if (!names.includes(beside) || !names.some((it) => list.test(it))) continue
    const files = await readdir(join(folder, beside), { recursive: true }).catch(() => [])
    for (const it of files.toSorted(compareNaturally))
      names.push(`${beside}/${it.split(sep).join('/')}`)
  }
  return exportIn(folderArchive(folder, names), options, (name) => ghostIn(folder, name, options))
}

async function exportInZip(path: string, options: ExportOptions): Promise<DraftSource> {
  const archive = await zipArchive(path)
  try {
    const found = await exportIn(archive, options, (name) => ghostExport(archive, name, options))
    if (found !== undefined) return found
  } catch (error) {
    await archive.close()
    throw error
  }
  await archive.close()
  throw unknown(basename(path))
}

/** What the names of files, and how they begin, show an archive to be. */
async function exportIn(
  archive: Archive,
  options: ExportOptions,
  ghost: (name: string) => Promise<DraftSource>,
): Promise<DraftSource | undefined> {
  const wxr: string[] = []
  let mboxes: string[] = []
  for (const name of archive.names) {
    const [, folder = '', file = ''] = /^((?:[^/]+\/)?)([^/]+)$/.exec(name) ?? []
    if (file === 'posts.csv') return substackExport(archive, name, options)
    if (
      /^(?:emails\.csv|\.?(?:buttondown|newsletter)\.json)$/.test(file) &&
      hasMails(archive, folder)
    )
      return buttondownExport(archive, folder, options)
    if (name.endsWith('.mbox')) mboxes.push(name)
    const isText =
      /(?:\.(?:csv|xml|json|txt|mbx)|^mbox)$/.test(file) && (archive.size(name) ?? 0) > 0
    const start = isText ? await startIn(archive, name) : ''
    if (BEEHIIV.test(start)) return beehiivExport(archive, name, options)
    if (GHOST.test(start)) return ghost(name)
    if (WXR.test(start)) wxr.push(name)
    if (MBOX.test(start)) mboxes.push(name)
  }
  // A mail among notes is none of them.
  if (mboxes.length === 0 && !archive.names.some((it) => TEXT_NAME.test(it)))
    mboxes = archive.names.filter((it) => MAIL_NAME.test(it))
  if (mboxes.length > 0) return mboxExport(archive, mboxes.toSorted(compareNaturally), options)
  return wxr.length > 0 ? wordpressExport(archive, wxr, options) : undefined
}

function hasMails({ names }: Archive, folder: string): boolean {
  return names.some((it) => it.startsWith(`${folder}emails`))
}

// Backups of a Ghost site lie in its folder for data, beside that for pictures.
function ghostIn(folder: string, name: string, options: ExportOptions): Promise<DraftSource> {
  const isBackup = basename(folder) === 'data'
  const archive = folderArchive(isBackup ? dirname(folder) : folder)
  return ghostExport(archive, isBackup ? `data/${name}` : name, options)
}

async function startOf(path: string): Promise<string> {
  try {
    const file = await open(path)
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(START_BYTES), 0, START_BYTES, 0)
      return textOf(buffer.subarray(0, bytesRead))
    } finally {
      await file.close()
    }
  } catch (cause) {
    throw invalidInput(`${path} cannot be read (${codeOf(cause)}).`, { cause })
  }
}

async function startIn(archive: Archive, name: string): Promise<string> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of archive.stream(name)) {
    parts.push(part)
    length += part.byteLength
    if (length >= START_BYTES) break
  }
  return textOf(Buffer.concat(parts).subarray(0, START_BYTES))
}

function textOf(bytes: Buffer): string {
  return bytes.toString('utf8').replace(/^\ufeff/, '')
}

function unknown(name: string): HyperletterError {
  return invalidInput(`${name} is no export that can be imported.`, {
    hint: TEXT_NAME.test(name)
      ? 'Publish a single file with `hyperletter publish <file>`, or import its folder.'
      : 'Import what Ghost, Substack, WordPress, Buttondown or Beehiiv gave you, an mbox file, mails (.eml) or a feed, as it is.',
  })
}
