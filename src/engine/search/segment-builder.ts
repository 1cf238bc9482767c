import type { Segment } from './segment.ts'
import { SegmentWriter } from './segment-writer.ts'
import { eachTerm, MAX_DISTINCT_TERMS, type TermCounts } from './text/words.ts'

/** What of an issue can be found. */
export interface Searchable {
  readonly title: string
  /** Plain words, see `plainText`, or their terms. */
  readonly text: string | TermCounts
  readonly summary?: string | undefined
  readonly tags?: readonly string[] | undefined
  readonly authors?: readonly string[] | undefined
}

// How many times a word in the text each of these counts.
const TITLE_WEIGHT = 8
const TAG_WEIGHT = 6
const AUTHOR_WEIGHT = 4
const SUMMARY_WEIGHT = 2

/** Collects issues in memory and makes a segment of them. */
export class SegmentBuilder {
  // Of each term: document, frequency, document, frequency, …
  readonly #postings = new Map<string, number[]>()
  readonly #lengths: number[] = []
  /** Of all issues together: how much memory this takes. */
  postingCount = 0

  get documentCount(): number {
    return this.#lengths.length
  }

  /** @returns the number of the issue in the segment. */
  add({ title, text, summary = '', tags = [], authors = [] }: Searchable): number {
    const document = this.#lengths.length
    const before = this.postingCount
    const count = (term: string, weight: number) => {
      if (this.postingCount - before < MAX_DISTINCT_TERMS) this.#count(term, document, weight)
    }
    const add = (words: string, weight: number) => {
      let length = 0
      eachTerm(words, (term) => {
        length++
        count(term, weight)
      })
      return length
    }
    add(title, TITLE_WEIGHT)
    for (const tag of tags) add(tag, TAG_WEIGHT)
    for (const author of authors) add(author, AUTHOR_WEIGHT)
    add(summary, SUMMARY_WEIGHT)
    if (typeof text === 'string') this.#lengths.push(add(text, 1))
    else {
      for (const [term, times] of text.counts) count(term, times)
      this.#lengths.push(text.length)
    }
    return document
  }

  build(): Segment {
    const writer = new SegmentWriter()
    // By UTF-16 code units, which is how the reader compares.
    for (const term of [...this.#postings.keys()].toSorted()) {
      const postings = this.#postings.get(term) ?? []
      for (let i = 0; i < postings.length; i += 2) {
        writer.posting(postings[i] ?? 0, postings[i + 1] ?? 0)
      }
      writer.term(term)
    }
    return writer.finish(this.#lengths)
  }

  #count(term: string, document: number, weight: number): void {
    const postings = this.#postings.get(term)
    if (postings === undefined) this.#postings.set(term, [document, weight])
    else if (postings[postings.length - 2] === document) {
      postings[postings.length - 1] = (postings[postings.length - 1] ?? 0) + weight
      return
    } else postings.push(document, weight)
    this.postingCount++
  }
}
