import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { bindOperations } from '../../src/api/operations.ts'
import type { Config } from '../../src/config/config.ts'
import { connect } from '../../src/connect.ts'
import { jsonOf, runCli } from '../helpers/cli.ts'
import { configOf, openEngine } from '../helpers/engines.ts'
import { publish } from '../helpers/peers.ts'
import { fillDisk, NO_SMALL_DISK, remountReadOnly, smallDisk } from '../helpers/small-disk.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

/** A closed data directory on a small disk, with a newsletter of two issues. */
async function dataOn(disk: string): Promise<Config> {
  const engine = await openEngine({ config: configOf(join(disk, 'data')) })
  const operations = bindOperations(engine, 'engine')
  await operations.createNewsletter({ title: 'Tide Tables' })
  await publish(operations, '# One\n\nHigh water at noon.\n')
  await publish(operations, '# Two\n\nLow water at six.\n')
  await operations.search({ query: 'water' })
  await engine.close()
  return engine.config
}

/** Without those of RocksDB, which leaves empty ones where it could not open. */
async function filesOf({ dataDir }: Config): Promise<string[]> {
  const names = await readdir(dataDir, { recursive: true })
  return names.filter((it) => !it.includes('/db/')).toSorted()
}

/** Runs the command line on a data directory, without a daemon. */
function runOn(config: Config, ...argv: string[]) {
  const services = { loadConfig: () => Promise.resolve(config), connect }
  return runCli(argv, { services })
}

describe.each([
  { kind: 'read-only', code: 'READ_ONLY', spoil: remountReadOnly },
  { kind: 'full', code: 'DISK_FULL', spoil: fillDisk },
])('a $kind disk, without a daemon', ({ code, spoil }) => {
  test('lets everything that is stored be read, and names what cannot be done', async ({
    skip,
  }) => {
    skip(NO_SMALL_DISK !== undefined, NO_SMALL_DISK)
    const disk = await smallDisk(24)
    const config = await dataOn(disk)
    const before = await filesOf(config)
    await spoil(disk)

    expect((await runOn(config, 'list')).stdout).toContain('Tide Tables')
    expect((await runOn(config, 'issues', 'tide')).stdout).toContain('Two')
    const issue = await runOn(config, 'read', 'tide', '1')
    expect(issue).toMatchObject({ code: 0 })
    expect(issue.stdout).toContain('High water at noon.')
    expect(issue.stderr).toContain('What is stored can be read.')
    expect((await runOn(config, 'search', 'water')).stdout).toContain('One')
    expect((await runOn(config, 'status')).code).toBe(0)
    const folder = await temporaryDirectory()
    expect((await runOn(config, 'save', 'tide', '2', '--to', folder)).code).toBe(0)
    const bundle = join(folder, 'tide.bundle')
    expect((await runOn(config, 'export', 'tide', '--bundle', bundle)).code).toBe(0)
    expect((await readFile(bundle)).byteLength).toBeGreaterThan(100)

    for (const argv of [
      ['mark', 'tide', '1', '--read'],
      ['create', 'Other', '--no-confirm'],
    ]) {
      const refused = await runOn(config, ...argv, '--json')
      expect(jsonOf(refused.stderr)).toMatchObject({ error: { code } })
    }
    expect(await filesOf(config)).toEqual(before)
  })
})

test('a read-only disk without a store is named', async ({ skip }) => {
  skip(NO_SMALL_DISK !== undefined, NO_SMALL_DISK)
  const disk = await smallDisk(1)
  await remountReadOnly(disk)
  const refused = await runOn(configOf(join(disk, 'data')), 'list', '--json')
  expect(jsonOf(refused.stderr)).toMatchObject({ error: { code: 'READ_ONLY' } })
})
