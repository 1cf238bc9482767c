import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import c from 'compact-encoding'
import Corestore from 'corestore'
import HyperDHT from 'hyperdht'
import Hyperswarm, { type Connection } from 'hyperswarm'
import Protomux from 'protomux'
import {
  letterEncoding,
  MAX_IDS,
  type LetterMessage,
} from '../../src/engine/network/letter-message.ts'
import { CARRIER_RATE } from '../../src/engine/network/letter-standing.ts'
import { keyBytes, type FeedKey } from '../../src/format/keys/feed-key.ts'
import {
  encodeEnvelope,
  findWork,
  workPrefix,
  type Envelope,
} from '../../src/format/letters/envelope.ts'
import type { SigningKeyPair } from '../../src/format/keys/recovery.ts'
import { hex } from '../../src/hex.ts'
import { discoveryKeyOf, nativeCrypto } from '../../src/log/keys.ts'
import { letterOf } from './letters.ts'

interface FloodOptions {
  readonly feedKey: FeedKey
  readonly bootstrap: string
  /** Of work in the stamps. */
  readonly bits: number
  /** The author's, to which the letters are sealed. */
  readonly sealedTo: SigningKeyPair
}

/** Peers of one process that offer letters under new keys, as many as they like, and give those that are stamped. */
export class Flooder implements AsyncDisposable {
  readonly #options: FloodOptions
  readonly #dir: string
  readonly #store: Corestore
  readonly #swarms: Hyperswarm[] = []
  /** Envelopes that were given to somebody. */
  given = 0

  private constructor(options: FloodOptions, dir: string) {
    this.#options = options
    this.#dir = dir
    this.#store = new Corestore(dir)
  }

  static async open(options: FloodOptions): Promise<Flooder> {
    const flooder = new Flooder(options, await mkdtemp(join(tmpdir(), 'hyperletter-flood-')))
    await flooder.#store.get({ key: keyBytes(options.feedKey) }).ready()
    return flooder
  }

  /** Makes letters of as many senders. The first have work in their stamps: as many as a carrier asks one peer for at once. */
  stock(count: number): Envelope[] {
    const { feedKey: to, bits, sealedTo } = this.#options
    const letters = Array.from(
      { length: count },
      () => letterOf({ to, sealedTo, text: 'Buy. '.repeat(100) }).envelope,
    )
    return letters.map((it, i) => (i < CARRIER_RATE.burst ? stamped(it, bits) : it))
  }

  /** One more peer appears, with these letters. */
  appear(letters: readonly Envelope[]): void {
    const { bootstrap, feedKey } = this.#options
    const dht = new HyperDHT({ bootstrap: [bootstrap], host: '127.0.0.1' })
    const swarm = new Hyperswarm({ dht })
    this.#swarms.push(swarm)
    const topic = Buffer.from(discoveryKeyOf(keyBytes(feedKey)))
    swarm.on('connection', (it: Connection) => this.#flood(it, topic, letters))
    swarm.join(topic)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#swarms.map((it) => it.destroy({ force: true })))
    await this.#store.close()
    await rm(this.#dir, { recursive: true, force: true })
  }

  #flood(connection: Connection, topic: Buffer, letters: readonly Envelope[]): void {
    connection.on('error', () => undefined)
    this.#store.replicate(connection)
    const given = new Map(
      letters.filter((it) => it.stamp.kind === 'work').map((it) => [it.id, it.bytes]),
    )
    const offer = () => {
      for (let from = 0; from < letters.length; from += MAX_IDS) {
        const ids = letters.slice(from, from + MAX_IDS).map((it) => Buffer.from(it.id, 'hex'))
        send({ kind: 'have', topic, ids, favoured: 0 })
      }
    }
    const onmessage = (bytes: Buffer) => {
      const message = c.decode(letterEncoding, bytes)
      if (message.kind === 'ask') offer()
      if (message.kind !== 'want') return
      for (const id of message.ids) {
        const letter = given.get(hex(id))
        if (letter === undefined) continue
        this.given++
        send({ kind: 'letter', topic, bytes: letter })
      }
    }
    const channel = Protomux.from(connection).createChannel({
      protocol: 'hyperletter/letters/1',
      messages: [{ encoding: c.raw, onmessage }],
    })
    const send = (it: LetterMessage) =>
      channel?.messages[0]?.send(Buffer.from(c.encode(letterEncoding, it)))
    channel?.open()
    offer()
  }
}

function stamped(letter: Envelope, bits: number): Envelope {
  const { head, carried } = letter
  const tries = { from: 0, count: 2 ** (bits + 6) }
  const nonce = findWork(workPrefix(head), bits, tries, nativeCrypto)
  if (nonce === undefined) throw new Error('No nonce was found')
  const stamp = { kind: 'work', nonce } as const
  return { ...letter, stamp, bytes: encodeEnvelope(head.bytes, carried, stamp) }
}
