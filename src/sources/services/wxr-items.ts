import sax, { type Tag } from 'sax'
import { HyperletterError, invalidInput } from '../../errors.ts'
import { printable } from '../source.ts'
import { TextReader } from '../decode.ts'

/** A term of an item: a category, a tag, or what a plugin calls one. */
export interface WxrTerm {
  readonly domain: string
  readonly slug: string
  readonly name: string
}

/** An item, an author (`wp:author`) or the channel of a WXR file: texts by the names of their elements. */
export interface WxrItem {
  readonly kind: 'item' | 'author' | 'channel'
  readonly fields: ReadonlyMap<string, string>
  readonly terms: readonly WxrTerm[]
  readonly meta: ReadonlyMap<string, string>
}

const MAX_ITEM_CHARACTERS = 16 * 1024 * 1024
const MAX_DEPTH = 64
/** Longest beginning in which an XML declaration says the encoding. */
const DECLARATION = /^[^<]*<\?xml[^>]{0,200}encoding\s*=\s*["']([\w-]{1,40})["']/

interface Reading {
  kind: 'item' | 'author'
  readonly fields: Map<string, string>
  readonly terms: WxrTerm[]
  readonly meta: Map<string, string>
  metaKey: string
  characters: number
}

/**
 * The items of a WXR file, in a stream: text that several sections hold is one, comments are passed over, no entity is
 * expanded but those of XML and HTML.
 * @throws INVALID_INPUT where it is no XML, or ends too early; TOO_LARGE for an item.
 */
export async function* wxrItems(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<WxrItem> {
  const items = new WxrReader()
  let reader: TextReader | undefined
  for await (const part of bytes) {
    reader ??= new TextReader(
      DECLARATION.exec(Buffer.from(part.subarray(0, 512)).toString('latin1'))?.[1],
    )
    yield* items.write(reader.read(part))
  }
  yield* items.write(reader?.end() ?? '')
  items.end()
}

class WxrReader {
  readonly #parser = sax.parser(true, { position: false })
  readonly #done: WxrItem[] = []
  readonly #names: string[] = []
  readonly #channel = new Map<string, string>()
  #isChannelTold = false
  #reading: Reading | undefined
  #text = ''
  #attributes: Readonly<Record<string, string>> = {}

  constructor() {
    const onopentag = ({ name, attributes }: Tag) => this.#open(name, attributes)
    const onclosetag = (name: string) => this.#close(name)
    const add = (text: string) => this.#add(text)
    const onerror = (error: Error) => {
      throw notWxr(error.message.split('\n')[0] ?? '')
    }
    Object.assign(this.#parser, { onopentag, onclosetag, ontext: add, oncdata: add, onerror })
  }

  *write(text: string): Generator<WxrItem> {
    // Control characters are not allowed in XML, and common in exports.
    this.#parser.write(text.replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, ''))
    yield* this.#done.splice(0)
  }

  end(): void {
    if (this.#names.length > 0 || !this.#isChannelTold) throw notWxr('it ends in the middle')
    this.#parser.close()
  }

  #open(name: string, attributes: Readonly<Record<string, string>>): void {
    this.#names.push(name)
    if (this.#names.length > MAX_DEPTH) throw notWxr('it nests too deeply')
    this.#text = ''
    this.#attributes = attributes
    if (name !== 'item' && name !== 'wp:author') return
    const kind = name === 'item' ? 'item' : 'author'
    this.#tellChannel()
    this.#reading = {
      kind,
      fields: new Map(),
      terms: [],
      meta: new Map(),
      metaKey: '',
      characters: 0,
    }
  }

  #add(text: string): void {
    if (this.#isPassedOver) return
    this.#text += text
    const reading = this.#reading
    const characters =
      reading === undefined ? this.#text.length : (reading.characters += text.length)
    if (characters > MAX_ITEM_CHARACTERS) {
      const message = `A post has more than ${MAX_ITEM_CHARACTERS} characters.`
      throw new HyperletterError('TOO_LARGE', message)
    }
  }

  get #isPassedOver(): boolean {
    return this.#names.includes('wp:comment')
  }

  #close(name: string): void {
    const isPassedOver = this.#isPassedOver
    this.#names.pop()
    const text = this.#text
    this.#text = ''
    if (isPassedOver) return
    const reading = this.#reading
    if (reading === undefined) {
      if (this.#names.at(-1) === 'channel') this.#channel.set(name, text)
      else if (name === 'channel') this.#tellChannel()
    } else if (name === 'item' || name === 'wp:author') {
      const { kind, fields, terms, meta } = reading
      this.#done.push({ kind, fields, terms, meta })
      this.#reading = undefined
    } else if (name === 'wp:meta_key') reading.metaKey = text
    else if (name === 'wp:meta_value') reading.meta.set(reading.metaKey, text)
    else if (name === 'category') {
      const { domain = 'category', nicename = '' } = this.#attributes
      reading.terms.push({ domain, slug: nicename, name: text })
    } else reading.fields.set(name, text)
  }

  #tellChannel(): void {
    if (this.#isChannelTold) return
    this.#isChannelTold = true
    this.#done.push({ kind: 'channel', fields: this.#channel, terms: [], meta: new Map() })
  }
}

function notWxr(why: string): HyperletterError {
  const words = printable(why, 200)
  return invalidInput(`The export cannot be read: ${words}.`, {
    hint: 'Download the export again.',
  })
}
