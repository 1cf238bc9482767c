import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { replaceWhole } from '../../atomic-file.ts'
import { Segment } from './segment.ts'

/**
 * What the files hold, and how texts become terms. Raised when either changes; with another version of
 * Unicode, too, words may come out differently. An index of another version is made anew.
 */
const VERSION = `1-${process.versions['unicode'] ?? ''}`

const MANIFEST = 'index.json'
const SEGMENT_FILE = /^[0-9a-f]{64}\.segment$/

const count = z.int().nonnegative()

const manifest = z.strictObject({
  version: z.literal(VERSION),
  segments: z.array(
    z.strictObject({
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
      feedKeys: z.array(z.string().length(52)),
      /** Of each document: place of its feed key, number of the issue, edition; 0 where it no longer counts. */
      documents: z.array(z.tuple([count, count, count])),
    }),
  ),
})

/** One document of the index: an edition of an issue. */
export interface IndexedIssue {
  readonly feedKey: string
  readonly number: number
  /** Block of the record that the text belongs to: the issue's, or that of its newest amendment. */
  readonly edition: number
}

/** A segment and what its documents are; undefined where one no longer counts. */
export interface StoredSegment {
  readonly segment: Segment
  readonly issues: (IndexedIssue | undefined)[]
  /** Known for what is on disk. */
  sha256?: string | undefined
}

/** Reads the index of a folder. Undefined if there is none, or none that is sound and of this version. */
export async function readIndex(folder: string): Promise<StoredSegment[] | undefined> {
  try {
    const { segments } = manifest.parse(JSON.parse(await readFile(join(folder, MANIFEST), 'utf8')))
    return await Promise.all(
      segments.map(async ({ sha256, feedKeys, documents }) => {
        const bytes = await readFile(join(folder, fileName(sha256)))
        if (hashOf(bytes) !== sha256) throw new Error('The segment is not what was written.')
        const segment = new Segment(bytes)
        if (segment.documentCount !== documents.length) throw new Error('Documents are missing.')
        const issues = documents.map(([feed, number, edition]) => {
          const feedKey = feedKeys[feed]
          return number === 0 || feedKey === undefined ? undefined : { feedKey, number, edition }
        })
        return { segment, issues, sha256 }
      }),
    )
  } catch {
    return undefined
  }
}

/**
 * Writes an index: first new segments, then what names them, so that whoever is interrupted leaves the
 * one before. What a power loss spoils is noticed by its hash and made anew.
 * For this user's eyes only: private newsletters are in it.
 */
export async function writeIndex(
  folder: string,
  segments: readonly StoredSegment[],
): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  for (const stored of segments) {
    if (stored.sha256 !== undefined) continue
    const sha256 = hashOf(stored.segment.bytes)
    await replaceWhole(join(folder, fileName(sha256)), [stored.segment.bytes])
    stored.sha256 = sha256
  }
  await replaceWhole(join(folder, MANIFEST), [Buffer.from(JSON.stringify(describe(segments)))])
  const wanted = new Set(segments.map(({ sha256 = '' }) => fileName(sha256)))
  const stale = (await readdir(folder)).filter(
    (name) => (SEGMENT_FILE.test(name) && !wanted.has(name)) || /\.(tmp|new)$/.test(name),
  )
  await Promise.all(stale.map((name) => rm(join(folder, name), { force: true })))
}

function describe(segments: readonly StoredSegment[]): z.input<typeof manifest> {
  return {
    version: VERSION,
    segments: segments.map(({ sha256 = '', issues }) => {
      const places = new Map<string, number>()
      const placeOf = (feedKey: string) => {
        const place = places.get(feedKey) ?? places.size
        places.set(feedKey, place)
        return place
      }
      const documents = issues.map((it): [number, number, number] =>
        it === undefined ? [0, 0, 0] : [placeOf(it.feedKey), it.number, it.edition],
      )
      return { sha256, feedKeys: [...places.keys()], documents }
    }),
  }
}

function fileName(sha256: string): string {
  return `${sha256}.segment`
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
