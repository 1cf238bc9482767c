import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { HistoryFile } from '../../src/engine/history-file.ts'
import { History } from '../../src/format/history/history.ts'
import type { KnownPart } from '../../src/format/history/known-record.ts'
import { LogBuilder } from '../helpers/log-builder.ts'
import { logOf, openStore } from '../helpers/stores.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

/** A log with one record of each kind, what a listing knows of it, and a file for that. */
async function knownLog() {
  const core = (await openStore()).get({ name: 'log' })
  await core.ready()
  const builder = new LogBuilder(core)
  await builder.newsletter()
  await builder.newsletter({ title: 'Tides' })
  for (let i = 0; i < 300; i++) await builder.issue()
  await builder.record('spoilt')
  await builder.record({ type: 'poll' })
  await builder.record({ type: 'retraction', number: 3, retractedAt: '2026-04-01T09:30:00Z' })
  const log = await logOf(core)
  const path = join(await temporaryDirectory(), 'histories', 'log.jsonl')
  const file = new HistoryFile(path, log)
  const parts: KnownPart[] = []
  const save = async (it: KnownPart) => void parts.push(it)
  const history = new History(log, { store: { load: async () => undefined, save } })
  const listing = await history.list()
  await history.close()
  const [part] = parts
  if (part === undefined) throw new Error('Nothing was saved.')
  return { builder, log, path, file, part, listing }
}

describe('the file of a history', () => {
  it('gives back what was saved, for this user alone, and a listing is the same with it', async () => {
    const { builder, log, path, file, part, listing } = await knownLog()
    await file.save(part)
    expect(await file.load()).toEqual(part)
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    const reads: number[] = []
    const source = {
      get length() {
        return log.length
      },
      read: (index: number) => {
        reads.push(index)
        return log.read(index)
      },
    }
    expect(await new History(source, { store: file }).list()).toEqual(listing)
    expect(reads).toEqual([])
    await builder.issue()
    expect((await new History(source, { store: file }).list()).issues[0]?.record.number).toBe(301)
    expect(reads).toHaveLength(1)
  })

  it.each([
    ['one byte of it is another', (it: string) => it.replace('Tides of week 7', 'Tides of week 8')],
    ['it ends early', (it: string) => it.slice(0, -200)],
    ['it is of another version', (it: string) => it.replace('"version":3', '"version":2')],
    ['it is empty', () => ''],
  ])('is not used if %s', async (_, damage) => {
    const { log, path, file, part, listing } = await knownLog()
    await file.save(part)
    await writeFile(path, damage(await readFile(path, 'utf8')))
    expect(await new History(log, { store: file }).list()).toEqual(listing)
    expect(await file.load().catch(() => undefined)).toBeUndefined()
  })

  it('is not used for a log that was cut back and went on differently', async () => {
    const { builder, log, file, part } = await knownLog()
    await file.save(part)
    await log.cutBack(3)
    expect(await file.load()).toBeUndefined()
    builder.records.splice(0, builder.records.length - 2)
    for (let i = 0; i < 310; i++) await builder.issue({ number: i + 1, title: 'Other' })
    const { issues } = await new History(log, { store: file }).list()
    expect(issues).toHaveLength(310)
    expect(new Set(issues.map((it) => it.record.title))).toEqual(new Set(['Other']))
  })
})
