import { open, readdir, stat } from 'node:fs/promises'
import { basename, dirname, join, sep } from 'node:path'
import { codeOf, HyperletterError } from '../../errors.ts'
import { folderArchive, zipArchive, type Archive } from '../archive.ts'
import type { DraftSource } from '../source.ts'
import { beehiivExport } from './beehiiv.ts'
import { buttondownExport } from './buttondown.ts'
import { feedImport } from './feed.ts'
import { ghostExport } from './ghost.ts'
import { mboxExport } from './mbox.ts'
import { substackExport } from './substack.ts'
import { wordpressExport } from './wordpress.ts'
import type { ExportOptions } from './shown-pictures.ts'

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
const MBOX = /^From .{0,300}\d\d:\d\d.{0,40}\r?\n[\w-]+:/

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
  if (MBOX.test(start)) return mboxExport(folderArchive(folder), name, options)
  if (FEED.test(start)) return feedImport({ archive: folderArchive(folder), name }, options)
  throw unknown(name)
}

async function exportInFolder(
  folder: string,
  options: ExportOptions,
): Promise<DraftSource | undefined> {
  const names: string[] = await readdir(folder).catch(() => [])
  for (const name of names.filter((it) => it.endsWith('.json')).slice(0, 16)) {
    if (GHOST.test(await startOf(join(folder, name)))) return ghostIn(folder, name, options)
  }
  const wxr: string[] = []
  for (const name of names.filter((it) => it.endsWith('.xml')).slice(0, 256)) {
    if (WXR.test(await startOf(join(folder, name)))) wxr.push(name)
  }
  if (wxr.length > 0) return wordpressExport(folderArchive(folder), wxr, options)
  if (names.includes('posts.csv')) {
    const posts = (await readdir(join(folder, 'posts')).catch(() => [])).map((it) => `posts/${it}`)
    return substackExport(folderArchive(folder, posts), 'posts.csv', options)
  }
  const isPulled =
    names.includes('emails') && names.some((it) => /^(?:\.buttondown|newsletter)\.json$/.test(it))
  if (isPulled || names.includes('emails.csv')) {
    const emails = await readdir(join(folder, 'emails'), { recursive: true }).catch(() => [])
    const all = [...names, ...emails.map((it) => `emails/${it.split(sep).join('/')}`)]
    return buttondownExport(folderArchive(folder, all.toSorted()), '', options)
  }
  return undefined
}

async function exportInZip(path: string, options: ExportOptions): Promise<DraftSource> {
  const archive = await zipArchive(path)
  try {
    const wxr: string[] = []
    for (const name of archive.names) {
      if (/^(?:[^/]+\/)?posts\.csv$/.test(name)) return substackExport(archive, name, options)
      const mails = /^((?:[^/]+\/)?)(?:emails\.csv|\.?(?:buttondown|newsletter)\.json)$/.exec(name)
      if (mails !== null) return buttondownExport(archive, mails[1] ?? '', options)
      if (/^(?:[^/]+\/)?[^/]+\.csv$/.test(name) && BEEHIIV.test(await startIn(archive, name)))
        return beehiivExport(archive, name, options)
      if (name.endsWith('.mbox')) return mboxExport(archive, name, options)
      if (/^(?:[^/]+\/)?[^/]+\.xml$/.test(name) && WXR.test(await startIn(archive, name)))
        wxr.push(name)
      if (!/^(?:[^/]+\/)?[^/]+\.json$/.test(name)) continue
      if (GHOST.test(await startIn(archive, name))) return ghostExport(archive, name, options)
    }
    if (wxr.length > 0) return wordpressExport(archive, wxr, options)
  } catch (error) {
    await archive.close()
    throw error
  }
  await archive.close()
  throw unknown(basename(path))
}

// Backups of a Ghost site lie in its folder for data, beside that for pictures.
function ghostIn(folder: string, name: string, options: ExportOptions): DraftSource {
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
    throw new HyperletterError('INVALID_INPUT', `${path} cannot be read (${codeOf(cause)}).`, {
      cause,
    })
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
  return new HyperletterError('INVALID_INPUT', `${name} is no export that can be imported.`, {
    hint: 'Import what Ghost, Substack, WordPress, Buttondown or Beehiiv gave you, an mbox file or a feed, as it is.',
  })
}
