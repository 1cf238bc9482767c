import { once } from 'node:events'
import { lstat, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { HyperletterError } from '../../src/errors.ts'
import type { Input, Operations } from '../../src/api/contract/contract.ts'
import { bundleOf } from '../helpers/bundles.ts'
import { answer, Capture, jsonOf, runCli, streamOf } from '../helpers/cli.ts'
import { LogBuilder } from '../helpers/log-builder.ts'
import { signingKeys } from '../helpers/newsletters.ts'
import { fillDisk, NO_SMALL_DISK, smallDisk } from '../helpers/small-disk.ts'
import { openStore } from '../helpers/stores.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

/** A bundle of a newsletter of two issues, and operations that give it out. */
async function sample() {
  const log = new LogBuilder((await openStore()).get({ keyPair: signingKeys() }))
  await log.newsletter()
  await log.issue()
  await log.issue()
  const bundle = await bundleOf(log.core)
  const feedKey = log.core.id ?? ''
  const summary = { feedKey, link: '', title: 'Tide Tables', roles: [], unread: 0, private: false }
  const issue = {
    feedKey,
    newsletter: 'Tide Tables',
    title: 'Tides',
    publishedAt: '',
    read: true,
    starred: false,
  }
  const pieces = [bundle.subarray(0, 100), bundle.subarray(100)]
  const operations: Partial<Operations> = {
    exportBundle: streamOf(pieces),
    listNewsletters: answer([{ ...summary, issues: 2 }]),
    listIssues: answer([1, 2].map((number) => ({ ...issue, number, held: true }))),
  }
  return { bundle, feedKey, operations, cwd: await temporaryDirectory() }
}

const finished = {
  event: 'finished' as const,
  feedKey: 'y'.repeat(52),
  title: 'Tide Tables',
  issues: 2,
  blocks: 5,
  added: 5,
  bytes: 900,
}

/** An import that ends well, and what it was asked for. */
function importing() {
  const inputs: Input<'importBundle'>[] = []
  const importBundle = (input: Input<'importBundle'>) => {
    inputs.push(input)
    const progress = { event: 'progress' as const, step: 'verifying' as const, done: 1, total: 2 }
    return streamOf([progress, finished])()
  }
  return { inputs, operations: { importBundle } }
}

describe('export', () => {
  it('writes the bundle and nothing else', async () => {
    const { bundle, feedKey, operations, cwd } = await sample()
    const argv = ['export', 'Tide Tables', '--bundle', 'tides.bundle']
    const { code, stdout, stderr } = await runCli(argv, { operations, cwd })
    expect({ code, stderr }).toMatchObject({ code: 0 })
    expect(stdout).toContain('2 issues')
    expect(stderr).toContain('next: hyperletter subscribe tides.bundle')
    expect((await readFile(join(cwd, 'tides.bundle'))).equals(bundle)).toBe(true)
    expect(await readdir(cwd)).toEqual(['tides.bundle'])
    const json = await runCli([...argv, '--force', '--json'], { operations, cwd })
    expect(jsonOf(json.stdout)).toEqual({
      feedKey,
      title: 'Tide Tables',
      issues: 2,
      blocks: 5,
      bytes: bundle.byteLength,
      file: join(cwd, 'tides.bundle'),
    })
  })

  it('writes a folder for a web server, and says what changed', async () => {
    const inputs: Input<'exportSite'>[] = []
    const result = { feedKey: 'y'.repeat(52), title: 'Tides', files: 4, changedBytes: 2_000 }
    const run = async (counts: { changed: number; removed: number }, ...args: string[]) => {
      const exportSite: Operations['exportSite'] = (input) => {
        inputs.push(input)
        const writing = { event: 'writing' as const, done: 1, total: 4 }
        return streamOf([writing, { event: 'finished' as const, ...result, ...counts }])()
      }
      const argv = ['export', 'Tides', '--site', 'site', ...args]
      return runCli(argv, { operations: { exportSite }, cwd: '/home' })
    }
    expect((await run({ changed: 3, removed: 1 })).stdout).toBe(
      'Wrote 3 of 4 files to /home/site, 2.0 kB, removed 1.\n',
    )
    expect((await run({ changed: 0, removed: 0 }, '--log-only')).stdout).toBe(
      '/home/site is up to date, 4 files.\n',
    )
    const json = jsonOf((await run({ changed: 3, removed: 1 }, '--json')).stdout)
    expect(json).toEqual({ ...result, changed: 3, removed: 1, folder: '/home/site' })
    const input = { newsletter: 'Tides', folder: '/home/site' }
    expect(inputs).toEqual([input, { ...input, logOnly: true }, input])
    for (const args of [['--bundle', 'a'], ['--since', '2'], ['--force']]) {
      expect((await run({ changed: 0, removed: 0 }, ...args)).code).toBe(2)
    }
    expect((await runCli(['export', 'Tides', '--bundle', 'a', '--log-only'])).code).toBe(2)
  })

  it('counts the issues that it was asked for', async () => {
    const { operations, cwd } = await sample()
    const argv = ['export', 'Tides', '--bundle', 'a', '--since', '2', '--json']
    const { stdout } = await runCli(argv, { operations, cwd })
    expect(jsonOf(stdout)).toMatchObject({ issues: 1 })
  })

  it('replaces no file unless it is told to', async () => {
    const { bundle, operations, cwd } = await sample()
    const path = join(cwd, 'a.bundle')
    await writeFile(path, 'mine')
    await symlink(path, join(cwd, 'link'))
    for (const name of ['a.bundle', 'link']) {
      const { code, opened } = await runCli(['export', 'T', '--bundle', name], { operations, cwd })
      expect({ code, opened }).toEqual({ code: 2, opened: 0 })
    }
    expect(await readFile(path, 'utf8')).toBe('mine')
    await runCli(['export', 'T', '--bundle', 'a.bundle', '--force'], { operations, cwd })
    expect((await readFile(path)).equals(bundle)).toBe(true)
  })

  it('replaces a regular file only, also where it is told to', async () => {
    const { operations, cwd } = await sample()
    const path = join(cwd, 'a.bundle')
    await writeFile(path, 'mine')
    await symlink(path, join(cwd, 'link'))
    const server = createServer().listen(join(cwd, 'socket'))
    onTestFinished(() => void server.close())
    await once(server, 'listening')
    for (const name of ['link', 'socket']) {
      const argv = ['export', 'T', '--bundle', name, '--force']
      const { code, opened } = await runCli(argv, { operations, cwd })
      expect({ name, code, opened }).toEqual({ name, code: 2, opened: 0 })
    }
    expect((await lstat(join(cwd, 'link'))).isSymbolicLink()).toBe(true)
    expect((await lstat(join(cwd, 'socket'))).isSocket()).toBe(true)
  })

  it('leaves nothing behind when it fails, and keeps what was there', async () => {
    const { bundle, cwd } = await sample()
    await writeFile(join(cwd, 'a.bundle'), 'mine')
    const failure = new HyperletterError('NOT_AVAILABLE', 'gone')
    const operations = { exportBundle: streamOf([bundle.subarray(0, 300)], failure) }
    const argv = ['export', 'T', '--bundle', 'a.bundle', '--force']
    expect((await runCli(argv, { operations, cwd })).code).toBe(3)
    expect(await readdir(cwd)).toEqual(['a.bundle'])
    expect(await readFile(join(cwd, 'a.bundle'), 'utf8')).toBe('mine')
  })

  it('writes to standard output, unless that is a terminal or has the result', async () => {
    const { bundle, operations, cwd } = await sample()
    const argv = ['export', 'T', '--bundle', '-']
    const { code, stdout, stderr } = await runCli(argv, { operations, cwd })
    expect({ code, stdout }).toEqual({ code: 0, stdout: bundle.toString() })
    expect(stderr).toContain('2 issues')
    const stdoutOfTerminal = new Capture({ isTTY: true })
    expect((await runCli(argv, { operations, cwd, stdout: stdoutOfTerminal })).code).toBe(2)
    expect((await runCli([...argv, '--json'], { operations, cwd })).code).toBe(2)
  })

  it('names a folder that does not exist, and one that is in the way', async () => {
    const { operations, cwd } = await sample()
    await mkdir(join(cwd, 'folder'))
    for (const name of ['gone/a.bundle', 'folder']) {
      const argv = ['export', 'T', '--bundle', name, '--force']
      const { code, stderr } = await runCli(argv, { operations, cwd })
      expect(code).toBe(2)
      expect(stderr).toContain(name.split('/')[0])
    }
  })

  it('leaves no part of a bundle on a disk that is full', async ({ skip }) => {
    skip(NO_SMALL_DISK !== undefined, NO_SMALL_DISK)
    const { operations } = await sample()
    const cwd = await smallDisk(1)
    const filling = await fillDisk(cwd)
    const argv = ['export', 'T', '--bundle', 'a.bundle', '--json']
    const { code, stderr } = await runCli(argv, { operations, cwd })
    expect(code).toBe(1)
    expect(jsonOf(stderr)).toMatchObject({ error: { code: 'DISK_FULL' } })
    expect(await readdir(cwd)).toEqual(['filling'])
    await writeFile(filling, '')
    expect((await runCli(argv, { operations, cwd })).code).toBe(0)
  })

  it('has to be told where to write', async () => {
    expect((await runCli(['export', 'T'])).code).toBe(2)
  })
})

describe('import-bundle', () => {
  it('seeds what is in the file', async () => {
    const { inputs, operations } = importing()
    const argv = ['import-bundle', 'a.bundle']
    const { code, stdout } = await runCli(argv, { operations, cwd: '/here' })
    expect({ code, inputs }).toEqual({ code: 0, inputs: [{ file: '/here/a.bundle' }] })
    expect(stdout).toBe('Imported “Tide Tables”: 2 issues, 5 new blocks.\n')
    const json = await runCli([...argv, '--json'], { operations, cwd: '/here' })
    const { event: _, ...result } = finished
    expect(jsonOf(json.stdout)).toEqual({ ...result, file: '/here/a.bundle' })
  })

  it('follows it if told to', async () => {
    const { inputs, operations } = importing()
    const argv = ['import-bundle', 'a.bundle', '--subscribe', '--key', 'y'.repeat(52)]
    const { stdout } = await runCli(argv, { operations, cwd: '/here' })
    expect(inputs).toEqual([
      { file: '/here/a.bundle', subscribe: true, encryptionKey: 'y'.repeat(52) },
    ])
    expect(stdout).toContain('Subscribed to “Tide Tables”: 2 issues')
  })

  it('fails with the code of the bundle', async () => {
    const failure = new HyperletterError('INVALID_BUNDLE', 'cut short')
    const operations = { importBundle: streamOf([], failure) }
    const { code, stderr } = await runCli(['import-bundle', 'a', '--json'], { operations })
    expect(code).toBe(1)
    expect(jsonOf(stderr)).toMatchObject({ error: { code: 'INVALID_BUNDLE' } })
  })
})

describe('subscribe', () => {
  it('takes a file without asking anybody', async () => {
    const cwd = await temporaryDirectory()
    await writeFile(join(cwd, 'a.bundle'), 'bundle')
    const { inputs, operations } = importing()
    const link = `hyperletter://${'y'.repeat(52)}#${'y'.repeat(52)}`
    for (const key of [[], ['--key', link]]) {
      const argv = ['subscribe', 'a.bundle', ...key]
      expect((await runCli(argv, { operations, cwd })).stdout).toContain('Subscribed to')
    }
    const file = join(cwd, 'a.bundle')
    expect(inputs).toEqual([
      { file, subscribe: true },
      { file, subscribe: true, link },
    ])
  })

  it('takes a feed key for one, also where a file has that name', async () => {
    const cwd = await temporaryDirectory()
    const feedKey = 'y'.repeat(52)
    await writeFile(join(cwd, feedKey), 'bundle')
    const operations = {
      subscribe: streamOf([{ event: 'subscribed' as const, feedKey, issues: 0 }]),
      listNewsletters: answer([]),
    }
    expect((await runCli(['subscribe', feedKey], { operations, cwd })).code).toBe(0)
    const argv = ['subscribe', feedKey, '--key', feedKey]
    expect((await runCli(argv, { operations, cwd })).code).toBe(2)
  })
})
