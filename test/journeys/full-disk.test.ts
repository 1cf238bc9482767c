import { open, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Address, Config } from '../../src/config/config.ts'
import { dial, remoteOperations, requestStop } from '../../src/api/socket/client.ts'
import { bindOperations } from '../../src/api/operations.ts'
import { jsonOf, runCli } from '../helpers/cli.ts'
import { configOf, openEngine } from '../helpers/engines.ts'
import { all, expectFailure, only, single } from '../helpers/operations.ts'
import { publish, type Peer } from '../helpers/peers.ts'
import {
  expectNoConflict,
  fillAllBut,
  heldIssues,
  isDiskFull,
  KIB,
  MIB,
  noise,
  openLargeAuthor,
  openOn,
  type LargeAuthor,
} from '../helpers/full-disk.ts'
import { fillDisk, NO_SMALL_DISK, smallDisk } from '../helpers/small-disk.ts'
import { eventually, feedOf, standing, subscribe, subscribeSoon } from '../helpers/swarm-peers.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { privateNetwork } from '../helpers/testnet.ts'

describe('publishing', () => {
  const everything = (disk: string, bootstrap: readonly Address[]) =>
    Promise.resolve(configOf(disk, bootstrap))
  const just =
    (dir: 'storeDir' | 'publishedDir') => async (disk: string, bootstrap: readonly Address[]) => ({
      ...configOf(await temporaryDirectory(), bootstrap),
      [dir]: join(disk, dir),
    })

  test.for([
    ['nothing', 'the disk', 0, everything],
    ['4 KiB', 'the disk', 4 * KIB, everything],
    ['12 KiB', 'the disk', 12 * KIB, everything],
    ['64 KiB', 'the disk', 64 * KIB, everything],
    ['200 KiB', 'the disk', 200 * KIB, everything],
    ['600 KiB', 'the disk', 600 * KIB, everything],
    ['nothing', 'the store', 0, just('storeDir')],
    ['64 KiB', 'the store', 64 * KIB, just('storeDir')],
    ['200 KiB', 'the store', 200 * KIB, just('storeDir')],
    ['nothing', 'the notes', 0, just('publishedDir')],
  ] as const)(
    'with %s left for %s loses nothing that was acknowledged, and forks nothing',
    async ([, where, roomBytes, configFor], { skip }) => {
      skip(NO_SMALL_DISK !== undefined, NO_SMALL_DISK)
      const bootstrap = await privateNetwork()
      const disk = await smallDisk(32)
      const config = await configFor(disk, bootstrap)
      const author = await openOn(config)
      const { feedKey, link } = await author.operations.createNewsletter({ title: 'Tides' })
      await publish(author.operations, '# First\n\nHigh water at noon.\n')
      const reader = await openOn(configOf(await temporaryDirectory(), bootstrap))
      await subscribe(reader, link)
      const acknowledged = await heldIssues(author.operations, feedKey)

      const filling = await fillAllBut(disk, roomBytes)
      let failures = 0
      for (let i = 0; i < 30 && failures < 3; i++) {
        const markdown = `# Issue ${i}\n\n${noise(i % 3 === 0 ? 90 * KIB : 500)}\n`
        const published = await publish(author.operations, markdown).catch(isDiskFull)
        if (published === undefined) failures++
        else acknowledged.set(published.number, markdown)
      }
      // Without its notes, an author goes on.
      expect(failures).toBe(where === 'the notes' ? 0 : 3)
      expect(await heldIssues(author.operations, feedKey)).toEqual(acknowledged)
      await author.engine.close()
      await rm(filling)

      const again = await openOn(config)
      expect(await heldIssues(again.operations, feedKey)).toEqual(acknowledged)
      const feed = await feedOf(again, feedKey)
      expect(await feed.position()).toMatchObject({ length: feed.length })
      expect(await readdir(config.journalDir)).toEqual([])
      const { number } = await publish(again.operations, '# Next\n\nThere is room.\n')
      expect(number).toBe(acknowledged.size + 1)
      acknowledged.set(number, '# Next\n\nThere is room.\n')
      await eventually(async () => expect((await feedOf(reader, feedKey)).length).toBe(feed.length))
      await all(reader.operations.followSync({ newsletter: feedKey }))
      expect(await heldIssues(reader.operations, feedKey)).toEqual(acknowledged)
      await expectNoConflict(reader)
      await expectNoConflict(again)
    },
  )
})

/** What a reader holds in part can be read, and is not the fault of the author. */
async function expectUseful(reader: Peer, author: LargeAuthor): Promise<void> {
  const { operations } = reader
  const newsletter = author.feedKey
  expect(single(await operations.listNewsletters({})).problem).toBeUndefined()
  const held = await heldIssues(operations, newsletter)
  for (const [number, text] of held) expect(text).toBe(author.issues.get(number))
  await expectFailure('DISK_FULL', operations.followSync({ newsletter, timeoutSeconds: 2 }))
  await eventually(async () => expect((await standing(reader, newsletter)).peers).toBe(1))
}

describe('a first sync', () => {
  test.for([
    ['nothing', 0],
    ['100 KiB', 100 * KIB],
    ['1 MiB', MIB],
    ['5 MiB', 5 * MIB],
  ] as const)(
    'with %s left ends with DISK_FULL, and is finished after a restart',
    async ([, roomBytes], { skip }) => {
      skip(NO_SMALL_DISK !== undefined, NO_SMALL_DISK)
      const bootstrap = await privateNetwork()
      const author = await openLargeAuthor(bootstrap)
      const newsletter = author.feedKey
      const disk = await smallDisk(64)
      const config = configOf(disk, bootstrap)
      const reader = await openOn(config)
      const filling = await fillAllBut(disk, roomBytes)
      const { link } = author
      await expectFailure('DISK_FULL', reader.operations.subscribe({ link, timeoutSeconds: 20 }))
      // It is kept if the disk had room to say so.
      if (reader.engine.library.list().length > 0) await expectUseful(reader, author)
      await reader.engine.close()
      await rm(filling)

      const again = await openOn(config)
      await subscribe(again, link)
      expect(await heldIssues(again.operations, newsletter)).toEqual(author.issues)
      await expectNoConflict(again)
    },
  )
})

describe('a bundle', () => {
  test('leaves no part of itself on a full disk, and is written once there is room', async ({
    skip,
  }) => {
    skip(NO_SMALL_DISK !== undefined, NO_SMALL_DISK)
    const author = await openLargeAuthor([])
    const disk = await smallDisk(32)
    const argv = ['export', author.feedKey, '--bundle', 'a.bundle', '--json']
    const run = () => runCli(argv, { operations: author.operations, cwd: disk })
    for (const roomBytes of [0, 4 * KIB, 3 * MIB]) {
      const filling = await fillAllBut(disk, roomBytes)
      const { code, stderr } = await run()
      expect({ code, found: jsonOf(stderr) }).toMatchObject({
        code: 1,
        found: { error: { code: 'DISK_FULL' } },
      })
      expect(await readdir(disk)).toEqual(['filling'])
      await rm(filling)
    }
    expect((await run()).code).toBe(0)
    const device = await openOn(configOf(await temporaryDirectory()))
    await all(device.operations.importBundle({ file: join(disk, 'a.bundle'), subscribe: true }))
    expect(await heldIssues(device.operations, author.feedKey)).toEqual(author.issues)
  })

  test.for([
    ['nothing', 0],
    ['100 KiB', 100 * KIB],
    ['4 MiB', 4 * MIB],
    ['9 MiB', 9 * MIB],
  ] as const)(
    'goes into a disk with %s left when it is taken again',
    async ([, room], { skip }) => {
      skip(NO_SMALL_DISK !== undefined, NO_SMALL_DISK)
      const author = await openLargeAuthor([])
      const file = join(await temporaryDirectory(), 'a.bundle')
      const newsletter = author.feedKey
      await writeFile(
        file,
        Buffer.concat(await all(author.operations.exportBundle({ newsletter }))),
      )
      const disk = await smallDisk(64)
      const device = await openOn(configOf(disk))
      const filling = await fillAllBut(disk, room)
      await expectFailure('DISK_FULL', device.operations.importBundle({ file, subscribe: true }))
      expect(await device.operations.listNewsletters({})).toEqual([])
      await device.engine.close()
      await rm(filling)

      const again = await openOn(configOf(disk))
      expect(await again.operations.listNewsletters({})).toEqual([])
      await all(again.operations.importBundle({ file, subscribe: true }))
      expect(await heldIssues(again.operations, newsletter)).toEqual(author.issues)
    },
  )
})

describe('a folder', () => {
  const FILES = 40

  test.for([
    ['nothing', 0],
    ['2 MiB', 2 * MIB],
    ['15 MiB', 15 * MIB],
  ] as const)(
    'is imported in whole issues where %s is left, and the rest by importing it again',
    async ([, room], { skip }) => {
      skip(NO_SMALL_DISK !== undefined, NO_SMALL_DISK)
      const folder = await temporaryDirectory()
      const texts = new Map<number, string>()
      for (let i = 1; i <= FILES; i++) {
        const text = `# Issue ${i}\n\n${noise(600 * KIB)}\n`
        texts.set(i, text)
        const name = `2026-01-01-${String(i).padStart(2, '0')}.md`
        await writeFile(join(folder, name), text)
      }
      const disk = await smallDisk(160)
      const device = await openOn(configOf(disk))
      const { feedKey } = await device.operations.createNewsletter({ title: 'Tides' })
      const filling = await fillAllBut(disk, room)
      let done = 0
      const importing = async () => {
        for await (const it of device.operations.importFolder({ folder }))
          if (it.event === 'progress') done = it.done
      }
      await expectFailure('DISK_FULL', importing())
      const first = await heldIssues(device.operations, feedKey)
      expect(first.size).toBe(done)
      await device.engine.close()
      await rm(filling)

      const again = await openOn(configOf(disk))
      expect(await heldIssues(again.operations, feedKey)).toEqual(first)
      const events = await all(again.operations.importFolder({ folder }))
      expect(single(only(events, 'finished'))).toMatchObject({ published: FILES - done })
      expect(await heldIssues(again.operations, feedKey)).toEqual(texts)
    },
  )
})

/** A process of the sources that runs a script, with all that it prints at the end of a file. */
async function spawnScript(script: string, logFile: string) {
  const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
  const log = await open(logFile, 'a', 0o600)
  const args = ['--import', loader, '--input-type=module', '--eval', script]
  const child = spawn(process.execPath, args, { stdio: ['ignore', log.fd, log.fd] })
  const exit = once(child, 'exit')
  await log.close()
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await exit
  })
  return { child, ended: exit.then(() => child.exitCode) }
}

function pathOf(source: string): string {
  return JSON.stringify(fileURLToPath(new URL(`../../src/${source}`, import.meta.url)))
}

/** `daemon run` from the sources, with its log in its data directory, as `daemon start` leaves it. */
function spawnDaemon(config: Config) {
  const bootstrap = (config.bootstrap ?? []).map(({ host, port }) => `${host}:${port}`).join(',')
  const argv = ['--json', '--data-dir', config.dataDir, '--bootstrap', bootstrap, 'daemon', 'run']
  const script = `
    const { run } = await import(${pathOf('cli/main.ts')})
    const { stdin, stdout, stderr, env } = process
    const io = { stdin, stdout, stderr, env, cwd: '/', signal: new AbortController().signal }
    process.exitCode = await run(${JSON.stringify(argv)}, io)`
  return spawnScript(script, config.logFile)
}

describe('a daemon', { timeout: 120_000 }, () => {
  test.for([
    ['its log elsewhere', false],
    ['its log on that disk', true],
  ] as const)(
    'whose disk fills up, with %s, keeps reading, and downloads the rest once there is room',
    async ([, isLogThere], { skip }) => {
      skip(NO_SMALL_DISK !== undefined, NO_SMALL_DISK)
      const bootstrap = await privateNetwork()
      const author = await openLargeAuthor(bootstrap)
      const newsletter = author.feedKey
      const disk = await smallDisk(64)
      const elsewhere = join(await temporaryDirectory(), 'daemon.log')
      const config = configOf(join(disk, 'data'), bootstrap)
      const logged = isLogThere ? config : { ...config, logFile: elsewhere }
      const before = await openEngine({ config })
      await subscribeSoon(
        { engine: before, operations: bindOperations(before, 'engine') },
        author.link,
      )
      await before.close()
      // On that disk, no line of a failure fits what is left of its last page.
      await writeFile(logged.logFile, ' '.repeat(4096 - 400))
      const filling = await fillAllBut(disk, 3 * MIB)

      const daemon = await spawnDaemon(logged)
      await eventually(async () => expect(await dial(config.socketPath)).toBeDefined(), 30_000)
      const operations = remoteOperations(config.socketPath)
      await expectFailure('DISK_FULL', operations.followSync({ newsletter, timeoutSeconds: 10 }))
      const held = await heldIssues(operations, newsletter)
      for (const [number, text] of held) expect(text).toBe(author.issues.get(number))
      expect(daemon.child.exitCode).toBeNull()
      const lines = (await readFile(logged.logFile, 'utf8')).split('\n')
      // As much of the line as there is room for.
      expect(lines.filter((it) => it.includes('"DISK_FULL"'))).toHaveLength(1)
      expect((await operations.status({})).problem).toMatchObject({ code: 'DISK_FULL' })
      await rm(filling)

      // Nobody asks it for anything: it goes on by itself.
      await eventually(
        async () => expect((await standing(author, newsletter)).fullCopies).toBe(1),
        30_000,
      )
      expect((await operations.status({})).problem).toBeUndefined()
      await all(operations.followSync({ newsletter }))
      expect(await heldIssues(operations, newsletter)).toEqual(author.issues)
      expect(daemon.child.exitCode).toBeNull()
      await requestStop(config.socketPath)
      expect(await daemon.ended).toBe(0)
      const after = (await readFile(logged.logFile, 'utf8')).split('\n')
      expect(after.filter((it) => it.includes('"DISK_FULL"'))).toHaveLength(1)
      expect(after.filter((it) => it.includes('has free space again'))).toHaveLength(1)
    },
  )

  test('that begins on a full disk says DISK_FULL and ends', async ({ skip }) => {
    skip(NO_SMALL_DISK !== undefined, NO_SMALL_DISK)
    const disk = await smallDisk(16)
    const config = configOf(join(disk, 'data'), await privateNetwork())
    await (await openEngine({ config })).close()
    await fillAllBut(disk, 0)
    const logFile = join(await temporaryDirectory(), 'daemon.log')
    const daemon = await spawnDaemon({ ...config, logFile })
    const ended = await daemon.ended
    expect(ended).toBe(1)
    expect(await readFile(logFile, 'utf8')).toContain('"DISK_FULL"')
  })
})

describe('a log', () => {
  test('that cannot be written any more ends nothing', async ({ skip }) => {
    skip(NO_SMALL_DISK !== undefined, NO_SMALL_DISK)
    const disk = await smallDisk(1)
    await fillDisk(disk)
    const proof = join(await temporaryDirectory(), 'proof')
    const script = `
      import { writeFileSync } from 'node:fs'
      const { createLogger } = await import(${pathOf('logger.ts')})
      const logger = createLogger('warn')
      for (const it of [1, 2, 3]) setTimeout(() => logger.warn({ it }, 'x'.repeat(5000)), it)
      setTimeout(() => writeFileSync(${JSON.stringify(proof)}, 'went on'), 20)`
    const { ended } = await spawnScript(script, join(disk, 'filling'))
    expect(await ended).toBe(0)
    expect(await readFile(proof, 'utf8')).toBe('went on')
  })
})
