import { readIndex, writeIndex, type IndexedIssue, type StoredSegment } from './index-files.ts'
import type { Clause } from './query.ts'
import { rank } from './ranking.ts'
import { mergeSegments, SegmentBuilder, type Searchable } from './segment-builder.ts'

/** An issue that was found. */
export interface Found extends IndexedIssue {
  readonly score: number
}

/** Issues, and entries of the index, that are collected in memory before they are packed. */
const PACK_ISSUES = 256
const PACK_POSTINGS = 500_000

/** With more segments than these, the small ones become one. */
const MAX_SEGMENTS = 6

/**
 * Which words are in which issues. Kept in a few segments that never change: what arrives becomes a
 * small one, and an issue that is replaced or removed is only struck off until segments are merged.
 */
export class SearchIndex {
  readonly #folder: string
  #segments: StoredSegment[]
  readonly #places = new Map<string, Map<number, Place>>()
  #builder = new SegmentBuilder()
  #building: IndexedIssue[] = []
  #changed = false
  /** Something was removed that should not stay on disk either. */
  #purging = false

  private constructor(folder: string, segments: StoredSegment[]) {
    this.#folder = folder
    this.#segments = segments
    this.#locate()
  }

  /** Reads the index of a folder; an empty one where there is none that can be used. */
  static async open(folder: string): Promise<SearchIndex> {
    return new SearchIndex(folder, (await readIndex(folder)) ?? [])
  }

  /** Issues in the index. */
  get size(): number {
    let size = this.#building.length
    for (const issues of this.#places.values()) size += issues.size
    return size
  }

  /** Memory that the segments take. */
  get sizeBytes(): number {
    return this.#segments.reduce((sum, { segment }) => sum + segment.bytes.byteLength, 0)
  }

  feedKeys(): string[] {
    return [...this.#places.keys()]
  }

  /** Numbers of the issues of a newsletter that are in the index. */
  numbersOf(feedKey: string): number[] {
    return [...(this.#places.get(feedKey)?.keys() ?? [])]
  }

  /** The edition of an issue that is in the index. */
  editionOf(feedKey: string, number: number): number | undefined {
    return this.#places.get(feedKey)?.get(number)?.edition
  }

  /** Adds an issue, or another edition of one. It is found from the next `pack` on. */
  add(issue: IndexedIssue, searchable: Searchable): void {
    this.#strike(issue.feedKey, issue.number)
    this.#builder.add(searchable)
    this.#building.push(issue)
    const { postingCount } = this.#builder
    if (this.#building.length >= PACK_ISSUES || postingCount >= PACK_POSTINGS) this.pack()
  }

  /** Removes an issue, from the disk too. */
  remove(feedKey: string, number: number): void {
    if (this.#strike(feedKey, number)) this.#purging = true
  }

  /** @returns whether it was in the index. */
  #strike(feedKey: string, number: number): boolean {
    const issues = this.#places.get(feedKey)
    const place = issues?.get(number)
    if (place === undefined) return false
    place.stored.issues[place.document] = undefined
    issues?.delete(number)
    this.#changed = true
    return true
  }

  /** Removes all of a newsletter, from the disk too. */
  removeFeed(feedKey: string): void {
    for (const number of this.numbersOf(feedKey)) this.remove(feedKey, number)
    this.#places.delete(feedKey)
  }

  /** Makes what was added ready to be found. */
  pack(): void {
    if (this.#building.length > 0) {
      this.#segments.push({ segment: this.#builder.build(), issues: this.#building })
      this.#builder = new SegmentBuilder()
      this.#building = []
      this.#changed = true
    }
    if (this.#purging || this.#deadShare() > 0.2) this.#merge(this.#segments)
    else if (this.#segments.length > MAX_SEGMENTS) this.#mergeSmall()
    else this.#locate()
    this.#purging = false
  }

  /** Writes what changed since the last time. Throws what the file system throws. */
  async save(): Promise<void> {
    if (!this.#changed) return
    this.#changed = false
    try {
      await writeIndex(this.#folder, this.#segments)
    } catch (error) {
      this.#changed = true
      throw error
    }
  }

  /** Issues that a query finds, best first, and the query as it was understood. */
  search(query: readonly Clause[]): { found: Found[]; clauses: readonly Clause[] } {
    const { hits, clauses } = rank(
      this.#segments.map(({ segment }) => segment),
      query,
      (segment, document) => this.#segments[segment]?.issues[document] !== undefined,
    )
    const found = hits.flatMap(({ segment, document, score }) => {
      const issue = this.#segments[segment]?.issues[document]
      return issue === undefined ? [] : [{ ...issue, score }]
    })
    return { found, clauses }
  }

  #deadShare(): number {
    const documents = this.#segments.flatMap(({ issues }) => issues)
    const dead = documents.filter((it) => it === undefined).length
    return documents.length === 0 ? 0 : dead / documents.length
  }

  // The large ones are left alone as long as the others together are much smaller: each issue is then
  // written again only a few times in its life.
  #mergeSmall(): void {
    const bySize = this.#segments.toSorted(
      (a, b) => b.segment.bytes.byteLength - a.segment.bytes.byteLength,
    )
    let kept = 0
    let rest = this.sizeBytes
    for (const { segment } of bySize) {
      rest -= segment.bytes.byteLength
      if (segment.bytes.byteLength < rest * 2) break
      kept++
    }
    this.#merge(bySize.slice(Math.min(kept, MAX_SEGMENTS - 1)))
  }

  #merge(merged: readonly StoredSegment[]): void {
    const keep = (segment: number, document: number) =>
      merged[segment]?.issues[document] !== undefined
    const issues = merged.flatMap((it) => it.issues).filter((it) => it !== undefined)
    const others = this.#segments.filter((it) => !merged.includes(it))
    const segments = merged.map((it) => it.segment)
    this.#segments =
      issues.length === 0 ? others : [...others, { segment: mergeSegments(segments, keep), issues }]
    this.#changed = true
    this.#locate()
  }

  #locate(): void {
    this.#places.clear()
    for (const stored of this.#segments) {
      for (const [document, issue] of stored.issues.entries()) {
        if (issue === undefined) continue
        const { feedKey, number, edition } = issue
        let issues = this.#places.get(feedKey)
        if (issues === undefined) this.#places.set(feedKey, (issues = new Map<number, Place>()))
        issues.set(number, { stored, document, edition })
      }
    }
  }
}

interface Place {
  readonly stored: StoredSegment
  readonly document: number
  readonly edition: number
}
