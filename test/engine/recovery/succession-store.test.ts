import crypto from 'hypercore-crypto'
import { describe, expect, test } from 'vitest'
import type { Engine } from '../../../src/engine/engine.ts'
import { MAX_SUCCESSIONS } from '../../../src/engine/recovery/succession-store.ts'
import { feedKeyOf, type FeedKey } from '../../../src/format/keys/feed-key.ts'
import { signSuccession, type Succession } from '../../../src/format/records/succession.ts'
import { openEngine } from '../../helpers/engines.ts'
import { expectFailure } from '../../helpers/operations.ts'

/** Made-up newsletters, in a row. */
const key = (i: number): FeedKey => feedKeyOf(Buffer.alloc(32, i + 1))
const [A, B, C] = [key(0), key(1), key(2)]
const recovery = crypto.keyPair(Buffer.alloc(32, 9))

function step(from: FeedKey, to: FeedKey, issuedAt = 1_000): Succession {
  return signSuccession({ from, to, issuedAt }, recovery)
}

async function follow(engine: Engine, ...statements: Succession[]): Promise<void> {
  for (const statement of statements) await engine.successions.accept(statement)
}

describe('a statement that counts', () => {
  test('is remembered, followed in the same role, and told once', async () => {
    const engine = await openEngine()
    await engine.library.add(A, 'subscriber')
    await engine.library.add(A, 'seeder')
    await follow(engine, step(A, B))
    expect(engine.library.get(A)).toMatchObject({
      roles: ['subscriber', 'seeder'],
      successor: { feedKey: B, issuedAt: 1_000, told: false },
    })
    expect(engine.library.get(B)).toMatchObject({ roles: ['subscriber', 'seeder'] })
    expect(engine.successions.known()).toMatchObject([{ from: A, to: B, issuedAt: 1_000 }])
  })

  test('survives a restart', async () => {
    const engine = await openEngine()
    await engine.library.add(A, 'subscriber')
    await follow(engine, step(A, B))
    const { dataDir } = engine.config
    await engine.close()
    const again = await openEngine({ dataDir })
    expect(again.library.get(A)?.successor).toMatchObject({ feedKey: B })
    expect(again.successions.known()).toHaveLength(1)
  })

  test('makes nobody a subscriber again who left', async () => {
    const engine = await openEngine()
    await engine.library.add(A, 'subscriber')
    await follow(engine, step(A, B))
    await engine.library.remove(B, 'subscriber')
    await follow(engine, step(A, B))
    expect(engine.library.get(B)).toBeUndefined()
  })

  test('of an author who does not read the newsletter is remembered only', async () => {
    const engine = await openEngine()
    await engine.library.add(A, 'author')
    await follow(engine, step(A, B))
    expect(engine.library.get(A)?.successor).toMatchObject({ feedKey: B })
    expect(engine.library.get(B)).toBeUndefined()
  })

  test('is replaced by a later one', async () => {
    const engine = await openEngine()
    await engine.library.add(A, 'subscriber')
    await follow(engine, step(A, B, 1_000), step(A, C, 1_001))
    expect(engine.library.get(A)?.successor).toMatchObject({ feedKey: C, issuedAt: 1_001 })
  })

  test('leads on from newsletter to newsletter, as far as is sensible', async () => {
    const engine = await openEngine()
    await engine.library.add(A, 'subscriber')
    for (let i = 0; i < MAX_SUCCESSIONS; i++) await follow(engine, step(key(i), key(i + 1)))
    const last = engine.library.get(key(MAX_SUCCESSIONS))
    expect(last).toMatchObject({ roles: ['subscriber'] })
    const further = step(key(MAX_SUCCESSIONS), key(MAX_SUCCESSIONS + 1))
    await expectFailure('INVALID_STATEMENT', follow(engine, further))
    expect(engine.library.get(key(MAX_SUCCESSIONS + 1))).toBeUndefined()
  })
})

describe('a statement that does not count', () => {
  test('is older than the one known, or another one of the same moment', async () => {
    const engine = await openEngine()
    await engine.library.add(A, 'subscriber')
    await follow(engine, step(A, B, 1_000))
    await expectFailure('INVALID_STATEMENT', follow(engine, step(A, C, 999)))
    await expectFailure('INVALID_STATEMENT', follow(engine, step(A, C, 1_000)))
    expect(engine.library.get(A)?.successor).toMatchObject({ feedKey: B })
    expect(engine.library.get(C)).toBeUndefined()
  })

  test('leads back, at once or by a detour', async () => {
    const engine = await openEngine()
    await engine.library.add(A, 'subscriber')
    await follow(engine, step(A, B))
    await expectFailure('INVALID_STATEMENT', follow(engine, step(B, A, 2_000)))
    await follow(engine, step(B, C))
    await expectFailure('INVALID_STATEMENT', follow(engine, step(C, A, 2_000)))
    await expectFailure('INVALID_STATEMENT', follow(engine, step(C, B, 2_000)))
    expect(engine.library.get(C)?.successor).toBeUndefined()
  })

  test('joins two chains that are too long together', async () => {
    const engine = await openEngine()
    const half = MAX_SUCCESSIONS / 2
    for (const start of [0, half + 1]) {
      await engine.library.add(key(start), 'subscriber')
      for (let i = start; i < start + half; i++) await follow(engine, step(key(i), key(i + 1)))
    }
    const joint = step(key(half), key(half + 1))
    await expectFailure('INVALID_STATEMENT', follow(engine, joint))
  })

  test('is one correction too many', async () => {
    const engine = await openEngine()
    await engine.library.add(A, 'subscriber')
    for (let i = 1; i <= MAX_SUCCESSIONS; i++) await follow(engine, step(A, key(i), i))
    const next = key(MAX_SUCCESSIONS + 1)
    await expectFailure('INVALID_STATEMENT', follow(engine, step(A, next, 100)))
    await expectFailure('INVALID_STATEMENT', follow(engine, step(key(1), next, 100)))
    expect(engine.library.get(next)).toBeUndefined()
    // What the user chose is nobody's game.
    await engine.library.add(next, 'subscriber')
    await follow(engine, step(A, next, 101))
    expect(engine.library.get(next)).not.toHaveProperty('origin')
  })

  test('is of a newsletter that is not in the library', async () => {
    const engine = await openEngine()
    await expectFailure('NEWSLETTER_NOT_FOUND', follow(engine, step(A, B)))
    expect(engine.library.list()).toEqual([])
  })

  test('loses against a later one that arrives at the same time', async () => {
    const engine = await openEngine()
    await engine.library.add(A, 'subscriber')
    const both = [step(A, C, 2_000), step(A, B, 1_000)].map((it) => engine.successions.accept(it))
    const outcome = await Promise.allSettled(both)
    expect(outcome.map((it) => it.status)).toEqual(['fulfilled', 'rejected'])
    expect(engine.library.get(A)?.successor).toMatchObject({ feedKey: C })
  })
})
