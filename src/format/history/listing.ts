import { defined } from '../../defined.ts'
import { HyperletterError } from '../../errors.ts'
import type { LettersRecord, NewsletterRecord } from '../records/record.ts'
import {
  type ListedLetter,
  type Located,
  type LocatedIssue,
  Corrections,
  numbered,
} from './corrections.ts'
import { INVALID, MISSING, SUPERSEDED, UNKNOWN, type KnownRecord } from './known-record.ts'

/** What a walk over a log found. */
export interface Listing {
  /** Newest first; numbers strictly decrease. Of each record only the fields that this version knows. */
  readonly issues: readonly LocatedIssue[]
  /** Letters of readers that the author accepted, newest first. */
  readonly letters: readonly ListedLetter[]
  /** The newest profile, absent until its block is here. */
  readonly profile: Located<NewsletterRecord> | undefined
  /** Records of types that this version does not know. */
  readonly unknown: number
  /** Blocks that should be records and are not. */
  readonly invalid: number
  /** Records that could not be had now; the listing may lack what lies behind them. */
  readonly missing: number
  /** Indexes of all blocks that were taken for records, whatever they are; newest first. */
  readonly positions: readonly number[]
  /** What these blocks take, without those that are missing. */
  readonly recordBytes: number
  /** The log has older records than these: more than are listed of one log. */
  readonly isCut: boolean
}

export const NOTHING: Listing = {
  issues: [],
  letters: [],
  profile: undefined,
  unknown: 0,
  invalid: 0,
  missing: 0,
  positions: [],
  recordBytes: 0,
  isCut: false,
}

/** Makes a listing of records that come newest first. */
export class ListingBuilder {
  readonly #corrections = new Corrections()
  readonly #issues: LocatedIssue[] = []
  readonly letters: ListedLetter[] = []
  /** What was said of letters that are met later, by their numbers; the newest of each counts. */
  readonly #answers = new Map<number, string>()
  readonly #withdrawn = new Map<number, NonNullable<ListedLetter['withdrawn']>>()
  readonly #positions: number[] = []
  readonly #counts = { unknown: 0, invalid: 0, missing: 0, recordBytes: 0 }
  #lowest = Infinity
  #lowestLetter = Infinity
  #taken = 0
  profile: Located<NewsletterRecord> | undefined

  get missing(): number {
    return this.#counts.missing
  }

  /** @returns what is worth remembering of it. */
  add(found: KnownRecord): KnownRecord {
    const { index, bytes, record } = found
    const counts = this.#counts
    this.#positions.push(index)
    counts.recordBytes += bytes
    if (record === MISSING) counts.missing++
    else if (record === INVALID) counts.invalid++
    else if (record === UNKNOWN) counts.unknown++
    else if (record === SUPERSEDED) return found
    else if (record.type === 'newsletter') {
      if (this.profile !== undefined) return { ...found, record: SUPERSEDED }
      this.profile = { index, record }
    } else if (record.type === 'letters') this.#addLetters(record)
    else if (record.type === 'amendment') this.#corrections.amend({ index, record })
    else if (record.type === 'retraction') this.#corrections.retract({ index, record })
    else if (record.number < this.#lowest) {
      this.#lowest = record.number
      this.#issues.push(this.#corrections.attach({ index, record }))
    } else counts.invalid++
    return found
  }

  // Their numbers have to decrease towards the beginning of the log, as those of issues do.
  #addLetters({ letters, answers = [], withdrawn = [] }: LettersRecord): void {
    for (const { letter, answer } of answers.toReversed()) {
      if (!this.#answers.has(letter)) this.#answers.set(letter, answer)
    }
    for (const { letter, reason } of withdrawn) this.#withdrawn.set(letter, defined({ reason }))
    for (const it of letters.toReversed()) {
      const { number } = it
      if (number >= this.#lowestLetter) {
        this.#counts.invalid++
        continue
      }
      this.#lowestLetter = number
      const said = { answer: this.#answers.get(number), withdrawn: this.#withdrawn.get(number) }
      this.letters.push({ ...it, ...defined(said) })
      this.#answers.delete(number)
      this.#withdrawn.delete(number)
    }
  }

  /** Issues that were added since this was asked last. */
  takeIssues(): readonly LocatedIssue[] {
    const issues = this.#issues.slice(this.#taken)
    this.#taken = this.#issues.length
    return issues
  }

  build({ profile, isCut }: Pick<Listing, 'profile' | 'isCut'>): Listing {
    const invalid = this.#counts.invalid + this.#corrections.strays
    return {
      issues: this.#issues,
      letters: this.letters,
      positions: this.#positions,
      profile,
      isCut,
      ...this.#counts,
      invalid,
    }
  }
}

/** @throws ISSUE_NOT_FOUND; NOT_AVAILABLE if its record is not here; TOO_LARGE if it is older than all that is listed */
export function issueIn({ issues, missing, isCut }: Listing, number: number): LocatedIssue {
  const found = numbered(issues, number)
  if (found !== undefined) return found
  if (isCut && number < (issues.at(-1)?.record.number ?? Infinity)) {
    const message = `The newsletter is too large to list whole: issue ${number} is too old.`
    throw new HyperletterError('TOO_LARGE', message)
  }
  if (missing > 0) {
    throw new HyperletterError('NOT_AVAILABLE', `The record of issue ${number} is not here yet.`)
  }
  throw new HyperletterError('ISSUE_NOT_FOUND', `There is no issue ${number}.`)
}
