import { duplexPair } from 'node:stream'
import { join } from 'node:path'
import SecretStream from '@hyperswarm/secret-stream'
import Protomux from 'protomux'
import { BOX_LETTERS, Letterbox } from '../../src/engine/letters/letterbox.ts'
import { Letters } from '../../src/engine/letters/letters.ts'
import { LetterExchange } from '../../src/engine/network/letter-exchange.ts'
import type { Feed } from '../../src/format/feed.ts'
import { keyBytes } from '../../src/format/keys/feed-key.ts'
import { discoveryKeyOf, keyPairOf, nativeCrypto } from '../../src/log/keys.ts'
import { createLogger } from '../../src/logger.ts'
import { feedKey, letterOf, signing } from '../../test/helpers/letters.ts'
import { printResult, scriptInput } from '../product.ts'

const { dataDir } = scriptInput() as { dataDir: string }

const CHECKED = 2_000
const TEXT = 'The tide came an hour late, and so did I. '.repeat(13)

const nobody = () => false
const rules = { isWanted: true, workBits: 1, isAdmissionKey: nobody, isKnown: nobody }

printResult({ checkUs: checkUs(), arrivalMs: await arrivalMs() })

/** Processor time of a carrier's check of one letter, in microseconds. */
function checkUs(): number {
  const letters = Array.from({ length: CHECKED }, () => letterOf({ bits: 1, text: TEXT }).envelope)
  let best = Infinity
  for (let round = 0; round < 3; round++) {
    const boxes = Array.from(
      { length: Math.ceil(CHECKED / BOX_LETTERS) },
      () => new Letterbox(feedKey, nativeCrypto),
    )
    const before = process.cpuUsage()
    for (const [i, it] of letters.entries()) {
      const verdict = boxes[Math.floor(i / BOX_LETTERS)]?.add(it, rules)
      if (verdict !== 'kept') throw new Error(`A letter was ${verdict}.`)
    }
    const { user, system } = process.cpuUsage(before)
    best = Math.min(best, (user + system) / CHECKED)
  }
  return best
}

/** From the moment that an author meets a carrier with a full box until all letters are on the author's disk. */
async function arrivalMs(): Promise<number> {
  const [near, far] = duplexPair()
  const ends = [
    new SecretStream(true, near, { keyPair: keyPairOf() }),
    new SecretStream(false, far, { keyPair: keyPairOf() }),
  ]
  await Promise.all(ends.map((it) => it.opened))
  const [author, carrier] = ends.map((it, i) => device(Protomux.from(it), i === 0))
  if (author === undefined || carrier === undefined) throw new Error('Nobody is there.')
  for (let i = 0; i < BOX_LETTERS; i++) {
    const { envelope } = letterOf({ bits: 1, text: TEXT })
    await carrier.letters.carry(carrier.feed, envelope)
  }
  const desk = await author.letters.desk(author.feed)
  const before = performance.now()
  carrier.meet()
  author.meet()
  while (desk.own.inbox.length < BOX_LETTERS) await new Promise((resolve) => setTimeout(resolve, 1))
  const arrival = performance.now() - before
  for (const it of [author, carrier]) await it.close()
  for (const it of ends) it.destroy()
  return arrival
}

function device(mux: Protomux, isAuthor: boolean) {
  const folder = join(dataDir, isAuthor ? 'author' : 'carrier')
  const logger = createLogger('silent')
  const letters = new Letters({
    lettersDir: folder,
    keysDir: folder,
    budgetBytes: () => Infinity,
    keys: { get: async () => signing },
    encryptionKeyOf: () => undefined,
    logger,
  })
  const exchange = new LetterExchange({ letters, logger, onMisdeed: () => undefined })
  const list = async () => ({
    profile: { record: { letters: { work: 1 } } },
    letters: [],
    missing: 0,
  })
  const peers = [{ publicKey: mux.stream.remotePublicKey }]
  const discoveryKey = discoveryKeyOf(keyBytes(feedKey))
  const log = { peers, publicKey: signing.publicKey, discoveryKey }
  const feed = { feedKey, length: 1, writable: isAuthor, log, list } as unknown as Feed
  return {
    letters,
    feed,
    meet: () => {
      exchange.attach(mux)
      exchange.add(feed)
    },
    close: async () => {
      exchange.close()
      await letters.close()
    },
  }
}
