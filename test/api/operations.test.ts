import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { contract, parseInput } from '../../src/api/contract/contract.ts'
import { bindOperations } from '../../src/api/operations.ts'
import { openEngine } from '../helpers/engines.ts'
import { all, expectFailure, only } from '../helpers/operations.ts'
import { publish } from '../helpers/peers.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

describe('binding', () => {
  it('gives every operation of the contract', async () => {
    const operations = bindOperations(await openEngine(), 'engine')
    expect(Object.keys(operations).toSorted()).toStrictEqual(Object.keys(contract).toSorted())
  })

  it('names the operation and the field that is wrong', () => {
    const parse = () => parseInput('readIssue', { newsletter: 'Tide tables', number: 0 })
    expect(parse).toThrow(/^readIssue: number: /)
    expect(() => parseInput('publishIssue', { draft: { markdown: 1 } })).toThrow(/: draft/)
    expect(() => parseInput('status', { colour: 'red' })).toThrow(/colour/)
  })

  it('fails with a code after its engine was closed', async () => {
    const engine = await openEngine()
    const operations = bindOperations(engine, 'engine')
    await operations.createNewsletter({ title: 'Tide tables' })
    await publish(operations, '# One\n')
    await engine.close()
    const newsletter = 'Tide tables'
    const calls = [
      () => operations.listIssues({ newsletter }),
      () => operations.readIssue({ newsletter }),
      () => operations.createNewsletter({ title: 'Late' }),
      () => all(operations.publishIssue({ draft: { markdown: '# Late\n' } })),
    ]
    for (const run of calls) await expectFailure('ABORTED', run())
  })

  it('says ABORTED of whatever fails because it was aborted', async () => {
    const engine = await openEngine()
    const abort = new AbortController()
    const broken = new Proxy(engine, {
      get(target, name) {
        if (name !== 'library') return Reflect.get(target, name) as unknown
        abort.abort()
        throw new TypeError('odd')
      },
    })
    const operations = bindOperations(broken, 'engine')
    await expectFailure('ABORTED', operations.listNewsletters({}, { signal: abort.signal }))
    await expectFailure('INTERNAL', operations.listNewsletters({}))
  })
})

describe('importing', () => {
  it('stops between two batches when it is aborted, and goes on where it was', async () => {
    const engine = await openEngine()
    const operations = bindOperations(engine, 'engine')
    const { feedKey } = await operations.createNewsletter({ title: 'Tide tables' })
    const folder = await temporaryDirectory()
    const count = 12
    // Pictures so large that they cannot all go into one batch.
    await writeFile(join(folder, 'tide.png'), new Uint8Array(3 * 1_024 * 1_024))
    for (let i = 1; i <= count; i++) {
      await writeFile(join(folder, `${i}.md`), `# Issue ${i}\n\n![](tide.png)\n`)
    }
    const abort = new AbortController()
    const importing = async () => {
      for await (const it of operations.importFolder({ folder }, { signal: abort.signal })) {
        if (it.event === 'progress' && it.done > 0) abort.abort()
      }
    }
    await expectFailure('ABORTED', importing())
    const published = (await operations.listIssues({ newsletter: feedKey })).length
    expect(published).toBeGreaterThan(0)
    expect(published).toBeLessThan(count)

    const events = await all(operations.importFolder({ folder }))
    expect(events.at(-1)).toMatchObject({ event: 'finished', published: count - published })
    expect(only(events, 'skipped').map((it) => it.code)).toContain('INVALID_INPUT')
    expect(only(events, 'skipped')).toHaveLength(published + 1)
    const listed = await operations.listIssues({ newsletter: feedKey })
    const titles = listed.map((it) => it.title).toReversed()
    expect(titles).toStrictEqual(Array.from({ length: count }, (_, i) => `Issue ${i + 1}`))
  })

  it('skips a draft whose picture vanishes while it is imported', async () => {
    const engine = await openEngine()
    const operations = bindOperations(engine, 'engine')
    await operations.createNewsletter({ title: 'Tide tables' })
    const folder = await temporaryDirectory()
    await writeFile(join(folder, '1.md'), '# One\n\n![](tide.png)\n')
    await writeFile(join(folder, '2.md'), '# Two\n')
    await writeFile(join(folder, 'tide.png'), 'a picture')
    const skipped: string[] = []
    let published = 0
    for await (const it of operations.importFolder({ folder })) {
      // All drafts were read by the first progress; none was published yet.
      if (it.event === 'progress' && it.done === 0) await rm(join(folder, 'tide.png'))
      if (it.event === 'skipped') skipped.push(it.file)
      if (it.event === 'finished') published = it.published
    }
    expect(skipped).toStrictEqual(['tide.png', '1.md'])
    expect(published).toBe(1)
  })
})

describe('publishing', () => {
  it('publishes nothing when it is aborted before it signs', async () => {
    const engine = await openEngine()
    const operations = bindOperations(engine, 'engine')
    const { feedKey } = await operations.createNewsletter({ title: 'Tide tables' })
    const abort = new AbortController()
    const draft = { markdown: '# One\n\n![](gone.png)\n' }
    const publishing = async () => {
      for await (const it of operations.publishIssue({ draft }, { signal: abort.signal })) {
        expect(it.event).toBe('warning')
        abort.abort()
      }
    }
    await expectFailure('ABORTED', publishing())
    expect(await operations.listIssues({ newsletter: feedKey })).toStrictEqual([])
  })
})
