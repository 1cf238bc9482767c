import { existsSync, readdirSync } from 'node:fs'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { checkInput, findingsOf, FINDINGS, fuzz, TARGETS } from './fuzzing.ts'
import { bytesOf, mutated, removeDirectories, type Target } from './target.ts'

/** Few: `npm run fuzz` is for more. The same each time, so that a failure is a failure for everybody. */
const RUNS = 30

afterAll(removeDirectories)

describe.each(TARGETS.map((target) => ({ target, name: target.name })))('$name', ({ target }) => {
  it(
    'takes what once broke it, and inputs that nobody thought of',
    { timeout: 60_000 },
    async () => {
      for (const input of findingsOf(target).values()) await checkInput(target, input)
      const { failure } = await fuzz(target, { seed: 1, runs: RUNS })
      expect(failure).toBeUndefined()
    },
  )
})

describe('the fuzzer', () => {
  const broken = (isBroken: (input: Uint8Array) => boolean): Target => ({
    name: 'broken',
    inputs: mutated([bytesOf('a valid input')], ['{{']),
    check(input) {
      if (isBroken(input)) throw new Error('broken')
    },
  })

  it('finds what breaks a target, makes it small, and comes to it again by seed and path', async () => {
    const target = broken((input) => Buffer.from(input).includes('{{{{'))
    const { failure } = await fuzz(target, { seed: 7, runs: 100_000 })
    expect(Buffer.from(failure?.input ?? []).toString()).toContain('{{{{')
    const again = await fuzz(target, { seed: 7, path: failure?.path, runs: 1 })
    expect(again.failure?.input).toEqual(failure?.input)
  })

  it('finds what takes too long', async () => {
    const target = broken((input) => {
      const before = process.cpuUsage()
      while (process.cpuUsage(before).user < input.byteLength * 200_000);
      return false
    })
    await expect(checkInput(target, bytesOf(''), 200)).resolves.toBeUndefined()
    await expect(checkInput(target, bytesOf('abc'), 200)).rejects.toThrow(/It took \d+ ms/)
  })

  it('knows the target of every finding, and gives each a name of its own', () => {
    const names = TARGETS.map((target) => target.name)
    expect(new Set(names).size).toBe(names.length)
    const found = existsSync(FINDINGS) ? readdirSync(FINDINGS) : []
    expect(names).toEqual(expect.arrayContaining(found))
  })

  it('makes up inputs of no more than 64 KiB', () => {
    for (const { inputs } of TARGETS) {
      const sizes = fc.sample(inputs, { seed: 1, numRuns: 50 }).map((input) => input.byteLength)
      expect(Math.max(...sizes)).toBeLessThanOrEqual(6 * 64 * 1024)
    }
  })
})
