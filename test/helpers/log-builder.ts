import type Hypercore from 'hypercore'

/** A JSON value, text or bytes: whatever somebody puts into a block. */
export type AnyBlock = Uint8Array | string | Readonly<Record<string, unknown>>

const RECOVERY_KEY = '94q5tmrmqwgpphhzdm9i1ri4e7khjwh386fx9racof3tnpj87hso'

/**
 * Writes a log block by block, without the checks of the product: as a hostile author could. Fields
 * that are not given are right, so a test names only what is wrong.
 */
export class LogBuilder {
  readonly core: Hypercore
  /** Indexes of what was written as a record, newest first. */
  readonly records: number[] = []
  #profile: number | undefined
  #number = 0

  constructor(core: Hypercore) {
    this.core = core
  }

  /** Blocks as they are, in one append; no later record points at them. Gives the index of the last. */
  async raw(...blocks: AnyBlock[]): Promise<number> {
    const { length } = await this.core.append(blocks.map(bytesOf))
    return length - 1
  }

  /** A block to which later records point back; the envelope is filled in unless given. */
  async record(fields: Readonly<Record<string, unknown>> | string): Promise<number> {
    const block = typeof fields === 'string' ? fields : { ...this.#envelope(), ...fields }
    const index = await this.raw(block)
    this.records.unshift(index)
    return index
  }

  async newsletter(fields: Readonly<Record<string, unknown>> = {}): Promise<number> {
    const index = await this.record({
      type: 'newsletter',
      title: 'Tide Tables',
      createdAt: '2026-03-01T09:30:00Z',
      recoveryKey: RECOVERY_KEY,
      ...fields,
    })
    this.#profile = index
    return index
  }

  /** An entry of two blocks: `body`, then the record. Gives the index of the record. */
  async issue(
    fields: Readonly<Record<string, unknown>> = {},
    body: AnyBlock = 'Low water at noon.\n',
  ): Promise<number> {
    const bytes = bytesOf(body)
    const block = await this.raw(bytes)
    this.#number++
    return this.record({
      type: 'issue',
      number: this.#number,
      title: `Tides of week ${this.#number}`,
      publishedAt: '2026-03-02T07:00:00Z',
      body: { block, blocks: 1, bytes: bytes.byteLength, mediaType: 'text/markdown' },
      attachments: [],
      ...fields,
    })
  }

  /** A record about letters that were written before. */
  async letters(fields: Readonly<Record<string, unknown>>): Promise<number> {
    return this.record({ type: 'letters', at: '2026-03-03T07:00:00Z', letters: [], ...fields })
  }

  /** An entry of two blocks: a letter, then the record. Gives the index of the letter. */
  async letter(
    number: number,
    fields: Readonly<Record<string, unknown>> = {},
    content: AnyBlock = 'The time is wrong.',
  ): Promise<number> {
    const bytes = bytesOf(content)
    const block = await this.raw(bytes)
    const mediaType = 'application/vnd.hyperletter.letter'
    const from = RECOVERY_KEY
    const letter = { number, from, block, blocks: 1, bytes: bytes.byteLength, mediaType, ...fields }
    await this.letters({ letters: [letter] })
    return block
  }

  #envelope() {
    const pointers = { hyperletter: 1, previous: this.records.slice(0, 32) }
    return this.#profile === undefined ? pointers : { ...pointers, profile: this.#profile }
  }
}

function bytesOf(block: AnyBlock): Uint8Array {
  if (block instanceof Uint8Array) return block
  return new TextEncoder().encode(typeof block === 'string' ? block : JSON.stringify(block))
}
