import type Protomux from 'protomux'
import { HyperletterError } from '../../errors.ts'
import type { Feed } from '../../format/feed.ts'
import { recoveryKeyOf } from '../../format/history/recovery-key.ts'
import { short, type Logger } from '../../logger.ts'
import type { FeedKey } from '../../format/keys/feed-key.ts'
import type { SigningKeyPair } from '../../format/keys/recovery.ts'
import {
  decodeSuccession,
  isSigned,
  maskSuccession,
  unmaskSuccession,
  type Succession,
} from '../../format/records/succession.ts'
import { LookupQueue } from '../../peers/topics/lookup-queue.ts'
import { SuccessionChannel } from './succession-channel.ts'
import type { Swarm } from '../../peers/swarm.ts'

export interface SuccessionExchangeOptions {
  readonly swarm: Swarm
  readonly logger: Logger
  /** Called with a statement that the recovery key of its newsletter signed. Rejects if it does not count. */
  readonly onStatement: (statement: Succession) => Promise<void>
}

const HOUR_MS = 3_600_000

/** How often the DHT is asked about a newsletter; its nodes forget after two days. */
const LOOK_UP_EVERY_MS = 24 * HOUR_MS

/** Where nobody was in reach, or block 0 had not arrived. */
const LOOK_UP_AGAIN_MS = 60_000

/** How long block 0 is waited for when a peer tells a statement. */
const RECOVERY_KEY_TIMEOUT_MS = 15_000

/** Where newsletters continue: asks the DHT now and then, hears and tells peers. */
export class SuccessionExchange {
  readonly #options: SuccessionExchangeOptions
  readonly #exchange: SuccessionChannel
  readonly #queue: LookupQueue<Feed>

  constructor(options: SuccessionExchangeOptions) {
    this.#options = options
    this.#exchange = new SuccessionChannel({
      onStatement: (bytes, peer) => {
        this.#hear(bytes, peer).catch((error: unknown) => this.#log('a statement', error))
      },
    })
    this.#queue = new LookupQueue({ lookUp: (feed) => this.#lookUp(feed) })
  }

  /** Looks out for a successor of a newsletter until `delete`. */
  add(feed: Feed): void {
    this.#exchange.add(feed)
    this.#queue.add(feed)
  }

  /** A newsletter has a new peer. */
  changed(feedKey: FeedKey): void {
    this.#exchange.changed(feedKey)
  }

  delete(feed: Feed): void {
    this.#exchange.delete(feed)
    this.#queue.delete(feed)
  }

  /** Passes a statement on to peers; it has been checked. */
  know(statement: Succession): void {
    this.#exchange.know(statement)
  }

  attach(mux: Protomux): void {
    this.#exchange.attach(mux)
  }

  /** Puts a statement where readers look for it. Gives whether nodes of the DHT took it in time. */
  publish(statement: Succession, recovery: SigningKeyPair): Promise<boolean> {
    const { issuedAt } = statement
    return this.#options.swarm.putMutable(recovery, maskSuccession(statement), issuedAt)
  }

  close(): void {
    this.#queue.close()
    this.#exchange.close()
  }

  async #hear(bytes: Uint8Array, peer: Uint8Array): Promise<void> {
    const statement = decoded(bytes)
    if (statement === undefined) return this.#blame(peer)
    const feed = this.#exchange.feedShared(statement.from, peer)
    if (feed === undefined || !this.#isNews(statement)) return
    const recoveryKey = await recoveryKeyOf(feed, { timeoutMs: RECOVERY_KEY_TIMEOUT_MS })
    if (!isSigned(statement, recoveryKey)) return this.#blame(peer)
    await this.#pass(statement)
  }

  /** Gives when to look again. */
  async #lookUp(feed: Feed): Promise<number> {
    const { swarm } = this.#options
    try {
      const recoveryKey = await recoveryKeyOf(feed, { wait: false })
      const value = await swarm.getMutable(recoveryKey)
      if (value === undefined) return swarm.size > 0 ? aboutADay() : LOOK_UP_AGAIN_MS
      const statement = unmaskSuccession(value, feed.feedKey)
      if (isSigned(statement, recoveryKey) && this.#isNews(statement)) await this.#pass(statement)
    } catch (error) {
      this.#log('looking for a successor', error, feed.feedKey)
      if (error instanceof HyperletterError && error.code === 'NOT_AVAILABLE') {
        return LOOK_UP_AGAIN_MS
      }
    }
    return aboutADay()
  }

  #isNews({ from, issuedAt }: Succession): boolean {
    return issuedAt > (this.#exchange.known(from)?.issuedAt ?? -1)
  }

  async #pass(statement: Succession): Promise<void> {
    try {
      await this.#options.onStatement(statement)
    } catch (error) {
      this.#log('a statement that does not count', error, statement.from)
    }
  }

  #blame(peer: Uint8Array): void {
    this.#options.swarm.strike(peer, 'peer told a false statement', { hangUp: false })
  }

  #log(what: string, error: unknown, feedKey?: FeedKey): void {
    const feed = feedKey === undefined ? {} : { feed: short(feedKey) }
    this.#options.logger.debug({ ...feed, err: String(error) }, what)
  }
}

// Not all newsletters of all readers in the same minute of the day.
function aboutADay(): number {
  return LOOK_UP_EVERY_MS * (0.75 + Math.random() / 2)
}

function decoded(bytes: Uint8Array): Succession | undefined {
  try {
    return decodeSuccession(bytes)
  } catch {
    return undefined
  }
}
