import Protomux from 'protomux'
import c from 'compact-encoding'
import { describe, expect, test } from 'vitest'
import { parseFeedKey } from '../../src/format/keys/feed-key.ts'
import { encodeSuccession, parseSuccession } from '../../src/format/records/succession.ts'
import { openEngine } from '../helpers/engines.ts'
import { expectFailure } from '../helpers/operations.ts'
import { openPeer, publish, type Peer } from '../helpers/peers.ts'
import { statementOf, write } from '../helpers/succession.ts'
import {
  announce,
  eventually,
  feedOf,
  plainPeer,
  subscribe,
  subscribeSoon,
} from '../helpers/swarm-peers.ts'
import { privateNetwork } from '../helpers/testnet.ts'
import { bindOperations } from '../../src/api/operations.ts'

/** Longest wait for an answer of the DHT, which is asked within seconds and no sooner. */
const LOOK_UP_MS = 15_000

async function newsletterOf({ operations }: Peer, feedKey: string) {
  const list = await operations.listNewsletters({})
  return list.find((it) => it.feedKey === feedKey)
}

function expectSuccessor(reader: Peer, from: string, to: string): Promise<void> {
  return eventually(async () => {
    const { successor } = (await newsletterOf(reader, from)) ?? {}
    expect(successor).toMatchObject({ feedKey: to, link: `hyperletter://${to}` })
  }, LOOK_UP_MS)
}

/** Closes a peer and gives how to open it again. */
async function away(peer: Peer): Promise<() => Promise<Peer>> {
  const { dataDir, bootstrap = [] } = peer.engine.config
  await peer.engine.close()
  return async () => {
    const engine = await openEngine({ dataDir, bootstrap })
    await engine.network()
    return { engine, operations: bindOperations(engine, 'engine') }
  }
}

describe('after the device of an author was stolen', () => {
  test('readers follow the author to the new newsletter and keep the old one', async () => {
    const bootstrap = await privateNetwork()
    const stolen = await write(bootstrap, 'Tides')
    const reader = await openPeer(bootstrap)
    await subscribe(reader, stolen.link)
    const author = await write(bootstrap, 'Tides, continued')

    const done = await author.operations.succeedNewsletter({
      newsletter: stolen.link,
      to: author.link,
      recoveryPhrase: stolen.recoveryPhrase,
    })

    expect(done).toMatchObject({ from: stolen.feedKey, to: author.feedKey, published: 'dht' })
    await expectSuccessor(reader, stolen.feedKey, author.feedKey)
    const { operations } = reader
    await eventually(async () =>
      expect(await operations.readIssue({ newsletter: author.feedKey })).toMatchObject({
        title: 'First of Tides, continued',
        verified: true,
      }),
    )
    expect(await operations.readIssue({ newsletter: stolen.feedKey })).toMatchObject({
      title: 'First of Tides',
    })
    expect(await newsletterOf(reader, author.feedKey)).toMatchObject({ roles: ['subscriber'] })
    const { newsletters } = await operations.status({})
    expect(newsletters.find((it) => it.feedKey === stolen.feedKey)?.successor).toBeDefined()
    // Once, and not again.
    expect(await operations.takeNotices({})).toMatchObject([
      { feedKey: stolen.feedKey, title: 'Tides', successor: { feedKey: author.feedKey } },
    ])
    expect(await operations.takeNotices({})).toEqual([])
    // The author has not become a reader of what the thief goes on with.
    expect(await newsletterOf(author, stolen.feedKey)).toBeUndefined()
  })

  test('the thief, who has the device and its signing key, leads no reader away', async () => {
    const bootstrap = await privateNetwork()
    const thief = await write(bootstrap, 'Tides')
    const reader = await openPeer(bootstrap)
    await subscribe(reader, thief.link)
    const trap = await thief.operations.createNewsletter({ title: 'Trap' })

    await expectFailure(
      'INVALID_INPUT',
      thief.operations.succeedNewsletter({
        newsletter: thief.feedKey,
        to: trap.link,
        recoveryPhrase: trap.recoveryPhrase,
      }),
    )
    const forged = await statementOf(thief, trap.feedKey, { signer: 'signing' })
    await expectFailure(
      'INVALID_STATEMENT',
      reader.operations.acceptSuccession({ statement: forged }),
    )
    // And so it is where a changed program tells it to peers.
    ;(await thief.engine.network()).successions.announce(parseSuccession(forged))
    await publish(thief.operations, '# Second\n', thief.feedKey)
    await eventually(async () =>
      expect((await newsletterOf(reader, thief.feedKey))?.issues).toBe(2),
    )
    expect((await newsletterOf(reader, thief.feedKey))?.successor).toBeUndefined()
    expect(await newsletterOf(reader, trap.feedKey)).toBeUndefined()
  })
})

describe('a reader who was offline when the statement was signed', () => {
  test('finds it in the DHT, though nobody else is there any more', async () => {
    const bootstrap = await privateNetwork()
    const old = await write(bootstrap, 'Tides')
    const reader = await openPeer(bootstrap)
    await subscribe(reader, old.link)
    const comeBack = await away(reader)
    const next = await old.operations.createNewsletter({ title: 'Tides, continued' })
    const { published } = await old.operations.succeedNewsletter({
      newsletter: old.feedKey,
      to: next.link,
      recoveryPhrase: old.recoveryPhrase,
    })
    expect(published).toBe('dht')
    await old.engine.close()

    await expectSuccessor(await comeBack(), old.feedKey, next.feedKey)
  })

  test('hears it from another reader, where the DHT knows nothing', async () => {
    const bootstrap = await privateNetwork()
    const old = await write(bootstrap, 'Tides')
    const next = await write(bootstrap, 'Tides, continued')
    const [first, late] = [await openPeer(bootstrap), await openPeer(bootstrap)]
    for (const reader of [first, late]) await subscribe(reader, old.link)
    const comeBack = await away(late)
    await old.engine.close()
    const statement = await statementOf(old, next.feedKey)
    await first.operations.acceptSuccession({ statement })

    await expectSuccessor(await comeBack(), old.feedKey, next.feedKey)
  })
})

test('a reader who is online hears it from another reader at once', async () => {
  const bootstrap = await privateNetwork()
  const old = await write(bootstrap, 'Tides')
  const [first, second] = [await openPeer(bootstrap), await openPeer(bootstrap)]
  for (const reader of [first, second]) await subscribe(reader, old.link)
  const statement = await statementOf(old, 'y'.repeat(52))
  await first.operations.acceptSuccession({ statement })
  await expectSuccessor(second, old.feedKey, 'y'.repeat(52))
})

describe('a statement that came by hand before anything of the newsletter', () => {
  async function begin() {
    const bootstrap = await privateNetwork()
    const old = await write(bootstrap, 'Tides')
    const comeBack = await away(old)
    const reader = await openPeer(bootstrap)
    await subscribeSoon(reader, old.link)
    const statement = await statementOf(old, 'y'.repeat(52))
    return { old, comeBack, reader, statement }
  }

  test('is followed as soon as somebody sends what it is checked against', async () => {
    const { old, comeBack, reader, statement } = await begin()
    const accepted = reader.operations.acceptSuccession({ statement, timeoutSeconds: 20 })
    await comeBack()
    expect(await accepted).toMatchObject({ from: old.feedKey, to: 'y'.repeat(52) })
    await expectSuccessor(reader, old.feedKey, 'y'.repeat(52))
  })

  test('is refused with NOT_AVAILABLE while nobody does, and changes nothing', async () => {
    const { old, reader, statement } = await begin()
    const accepting = reader.operations.acceptSuccession({ statement, timeoutSeconds: 0.3 })
    const { message, hint } = await expectFailure('NOT_AVAILABLE', accepting)
    expect(message).toContain('0.3 s')
    expect(hint).toContain('again')
    expect((await newsletterOf(reader, old.feedKey))?.successor).toBeUndefined()
    expect(await reader.operations.listNewsletters({})).toHaveLength(1)
  })
})

test('a later statement corrects an earlier one, and the earlier one no longer counts', async () => {
  const bootstrap = await privateNetwork()
  const old = await write(bootstrap, 'Tides')
  const reader = await openPeer(bootstrap)
  await subscribe(reader, old.link)
  const wrong = await old.operations.createNewsletter({ title: 'Mistake' })
  const right = await old.operations.createNewsletter({ title: 'Meant' })
  const recoveryPhrase = old.recoveryPhrase
  const newsletter = old.feedKey
  const first = await old.operations.succeedNewsletter({
    newsletter,
    to: wrong.link,
    recoveryPhrase,
  })
  await expectSuccessor(reader, newsletter, wrong.feedKey)
  await old.operations.succeedNewsletter({ newsletter, to: right.link, recoveryPhrase })
  await expectSuccessor(reader, newsletter, right.feedKey)
  await expectFailure(
    'INVALID_STATEMENT',
    reader.operations.acceptSuccession({ statement: first.statement }),
  )
})

describe('succeeding', () => {
  test('is refused for words that are no phrase, another phrase, and itself', async () => {
    const bootstrap = await privateNetwork()
    const { operations, link, recoveryPhrase } = await write(bootstrap, 'Tides')
    const other = await operations.createNewsletter({ title: 'Other' })
    const newsletter = link
    const to = other.link
    const words = recoveryPhrase.split(' ')
    const phrases = [
      'one two three',
      words.slice(0, 23).join(' '),
      words.toReversed().join(' '),
      other.recoveryPhrase,
    ]
    for (const phrase of phrases) {
      const succeeding = operations.succeedNewsletter({ newsletter, to, recoveryPhrase: phrase })
      const error = await expectFailure('INVALID_INPUT', succeeding)
      // Single words may be in any sentence.
      expect(error.message).not.toContain(words.slice(6, 8).join(' '))
    }
    await expectFailure(
      'INVALID_INPUT',
      operations.succeedNewsletter({ newsletter, to: link, recoveryPhrase }),
    )
    await expectFailure(
      'INVALID_LINK',
      operations.succeedNewsletter({ newsletter, to: 'nowhere', recoveryPhrase }),
    )
    await expectFailure(
      'NEWSLETTER_NOT_FOUND',
      operations.succeedNewsletter({ newsletter: 'Nowhere', to, recoveryPhrase }),
    )
    await expectFailure(
      'NOT_AVAILABLE',
      operations.succeedNewsletter({
        newsletter: 'y'.repeat(52),
        to,
        recoveryPhrase,
        timeoutSeconds: 0.3,
      }),
    )
    expect(await operations.listNewsletters({})).toHaveLength(2)
    for (const it of await operations.listNewsletters({})) expect(it.successor).toBeUndefined()
  })

  test('in a circle is refused', async () => {
    const bootstrap = await privateNetwork()
    const one = await write(bootstrap, 'One')
    const two = await one.operations.createNewsletter({ title: 'Two' })
    await one.operations.succeedNewsletter({
      newsletter: one.feedKey,
      to: two.link,
      recoveryPhrase: one.recoveryPhrase,
    })
    await expectFailure(
      'INVALID_STATEMENT',
      one.operations.succeedNewsletter({
        newsletter: two.feedKey,
        to: one.link,
        recoveryPhrase: two.recoveryPhrase,
      }),
    )
  })

  test('of a private newsletter takes its feed key and the words, and gives away no key', async () => {
    const bootstrap = await privateNetwork()
    const old = await write(bootstrap, 'Tides', { isPrivate: true })
    const reader = await openPeer(bootstrap)
    await subscribe(reader, old.link)
    const next = await write(bootstrap, 'Tides, continued', { isPrivate: true })

    await next.operations.succeedNewsletter({
      newsletter: old.feedKey,
      to: next.link,
      recoveryPhrase: old.recoveryPhrase,
    })

    await expectSuccessor(reader, old.feedKey, next.feedKey)
    await eventually(async () =>
      expect((await newsletterOf(reader, next.feedKey))?.problem).toMatchObject({
        code: 'NEEDS_KEY',
      }),
    )
    // The new link from the author makes it readable.
    await subscribe(reader, next.link)
    expect(await reader.operations.readIssue({ newsletter: next.feedKey })).toMatchObject({
      title: 'First of Tides, continued',
    })
  })

  test('is not known to whoever only carries a private newsletter', async () => {
    const bootstrap = await privateNetwork()
    const old = await write(bootstrap, 'Tides', { isPrivate: true })
    const seeder = await openPeer(bootstrap)
    await seeder.operations.seed({ link: old.feedKey })
    const { length } = await feedOf(old, old.feedKey)
    await eventually(async () => expect((await feedOf(seeder, old.feedKey)).length).toBe(length))
    const statement = await statementOf(old, 'y'.repeat(52))
    await expectFailure('NEEDS_KEY', seeder.operations.acceptSuccession({ statement }))
  })
})

describe('a hostile peer', () => {
  test('that tells false statements is cut off, and nothing of them is kept', async () => {
    const bootstrap = await privateNetwork()
    const old = await write(bootstrap, 'Tides')
    const other = await write(bootstrap, 'Other')
    const reader = await openPeer(bootstrap)
    await subscribe(reader, old.link)
    await old.engine.close()
    const replayed = parseSuccession(await statementOf(other, 'y'.repeat(52)))
    const forged = parseSuccession(
      await statementOf(old, other.feedKey, { signer: 'signing', issuedAt: Date.now() + 1_000 }),
    )
    const lies = [
      // Of a newsletter that the reader does not follow: no business of theirs.
      encodeSuccession(replayed),
      // Signed by the author of another newsletter.
      encodeSuccession({ ...replayed, from: forged.from }),
      encodeSuccession(forged),
      new Uint8Array(160),
    ]
    let isCutOff = false
    const liar = await plainPeer(bootstrap, (connection, store) => {
      store.replicate(connection)
      connection.on('close', () => (isCutOff = true))
      const channel = Protomux.from(connection).createChannel({
        protocol: 'hyperletter/succession/1',
        messages: [{ encoding: c.fixed(160) }],
      })
      channel?.open()
      // Told when the reader knows that both replicate the newsletter.
      core.on('peer-add', () => {
        for (const lie of lies) channel?.messages[0]?.send(lie)
      })
    })
    const core = liar.store.get({ key: parseFeedKey(old.feedKey) })
    await core.ready()
    core.download({ start: 0, end: -1 })
    await announce(liar, core)

    await eventually(() => expect(isCutOff).toBe(true))
    expect((await newsletterOf(reader, old.feedKey))?.successor).toBeUndefined()
    expect(await reader.operations.listNewsletters({})).toHaveLength(1)
    expect(await reader.operations.readIssue({ newsletter: old.feedKey })).toBeDefined()
  })
})
