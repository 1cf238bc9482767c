import { cp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Address } from '../../src/config/config.ts'
import type { Operations } from '../../src/api/contract/contract.ts'
import { bindOperations } from '../../src/api/operations.ts'
import { createRecoveryPhrase } from '../../src/format/keys/recovery.ts'
import { openEngine } from '../helpers/engines.ts'
import { all, expectFailure, only, single } from '../helpers/operations.ts'
import { openPeer, publish, type Peer } from '../helpers/peers.ts'
import { eventually, subscribe } from '../helpers/swarm-peers.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { privateNetwork } from '../helpers/testnet.ts'

interface Author extends Peer {
  readonly dataDir: string
  readonly feedKey: string
  readonly link: string
  readonly phrase: string
}

async function openIn(dataDir: string, bootstrap: readonly Address[]): Promise<Peer> {
  const engine = await openEngine({ dataDir, bootstrap })
  return { engine, operations: bindOperations(engine, 'engine') }
}

async function author(
  bootstrap: readonly Address[],
  { issues, isPrivate = false }: { issues: number; isPrivate?: boolean },
): Promise<Author> {
  const dataDir = await temporaryDirectory()
  const peer = await openIn(dataDir, bootstrap)
  await peer.engine.network()
  const created = await peer.operations.createNewsletter({ title: 'Tides', private: isPrivate })
  for (let i = 1; i <= issues; i++) await publish(peer.operations, `# Issue ${i}\n\nText ${i}.\n`)
  return { ...peer, ...created, phrase: created.recoveryPhrase, dataDir }
}

async function reader(bootstrap: readonly Address[], link: string): Promise<Peer> {
  const peer = await openPeer(bootstrap)
  await subscribe(peer, link)
  return peer
}

/** Everything that has arrived is here whole, and no second history was met. */
async function expectNewest(
  { operations }: Peer,
  newsletter: string,
  number: number,
  title: string,
) {
  await eventually(async () => {
    const [newest] = await operations.listIssues({ newsletter })
    expect(newest).toMatchObject({ number, title, held: true })
  })
  const listed = single(await operations.listNewsletters({}))
  expect(listed.problem).toBeUndefined()
  expect(await operations.readIssue({ newsletter, number })).toMatchObject({ verified: true })
}

async function restore(
  { operations }: Peer,
  recoveryPhrase: string,
  options: { bundle?: string; timeoutSeconds?: number; force?: boolean } = {},
) {
  const input = { recoveryPhrase, timeoutSeconds: 10, ...options }
  return single(only(await all(operations.restoreNewsletter(input)), 'finished'))
}

async function backup(operations: Operations, newsletter: string): Promise<string> {
  const path = join(await temporaryDirectory(), 'backup.bundle')
  await writeFile(path, Buffer.concat(await all(operations.exportBundle({ newsletter }))))
  return path
}

async function modesBelow(dir: string): Promise<number[]> {
  const names = await readdir(dir)
  return Promise.all(names.map(async (it) => (await stat(join(dir, it))).mode & 0o777))
}

describe.each([
  ['public', false],
  ['private', true],
])('an author of a %s newsletter who lost the device', (_, isPrivate) => {
  test('goes on from what two readers hold, and both get the next issue', async () => {
    const bootstrap = await privateNetwork()
    const lost = await author(bootstrap, { issues: 20, isPrivate })
    const readers = [await reader(bootstrap, lost.link), await reader(bootstrap, lost.link)]
    await lost.engine.close()
    await rm(lost.dataDir, { recursive: true })

    const device = await openIn(await temporaryDirectory(), bootstrap)
    const restored = await restore(device, `  ${lost.phrase.toUpperCase()}\n`)

    expect(restored).toMatchObject({
      feedKey: lost.feedKey,
      link: lost.link,
      title: 'Tides',
      issues: 20,
    })
    expect(restored.peers).toBeGreaterThan(0)
    expect(single(await device.operations.listNewsletters({})).roles).toEqual(['author'])
    expect(await publish(device.operations, '# Issue 21\n')).toMatchObject({ number: 21 })
    for (const it of readers) await expectNewest(it, lost.feedKey, 21, 'Issue 21')
    await expectNewest(device, lost.feedKey, 21, 'Issue 21')
    expect(await modesBelow(device.engine.config.keysDir)).toEqual([0o600])
  })

  test('goes on from a backup with nobody online, and after a restart', async () => {
    const bootstrap = await privateNetwork()
    const lost = await author(bootstrap, { issues: 3, isPrivate })
    const bundle = await backup(lost.operations, lost.feedKey)
    await lost.engine.close()
    const dataDir = await temporaryDirectory()
    const device = await openIn(dataDir, bootstrap)
    expect(await restore(device, lost.phrase, { bundle, timeoutSeconds: 0.5 })).toMatchObject({
      feedKey: lost.feedKey,
      link: lost.link,
      issues: 3,
      peers: 0,
    })
    await publish(device.operations, '# Issue 4\n')
    await device.engine.close()
    const again = await openIn(dataDir, bootstrap)
    expect(single(await again.operations.listNewsletters({}))).toMatchObject({
      roles: ['author'],
      private: isPrivate,
      issues: 4,
    })
    expect(await publish(again.operations, '# Issue 5\n')).toMatchObject({ number: 5 })
  })
})

describe('restoring', () => {
  test('takes what readers have beyond a backup', async () => {
    const bootstrap = await privateNetwork()
    const lost = await author(bootstrap, { issues: 2 })
    const bundle = await backup(lost.operations, lost.feedKey)
    await publish(lost.operations, '# Issue 3\n')
    const other = await reader(bootstrap, lost.link)
    await lost.engine.close()
    const device = await openIn(await temporaryDirectory(), bootstrap)
    expect(await restore(device, lost.phrase, { bundle })).toMatchObject({ issues: 3, peers: 1 })
    await publish(device.operations, '# Issue 4\n')
    await expectNewest(other, lost.feedKey, 4, 'Issue 4')
  })

  test('makes the author of a device that subscribed', async () => {
    const bootstrap = await privateNetwork()
    const lost = await author(bootstrap, { issues: 2 })
    const device = await reader(bootstrap, lost.link)
    const other = await reader(bootstrap, lost.link)
    await lost.engine.close()
    await restore(device, lost.phrase)
    expect(single(await device.operations.listNewsletters({})).roles).toEqual([
      'author',
      'subscriber',
    ])
    await publish(device.operations, '# Issue 3\n')
    await expectNewest(other, lost.feedKey, 3, 'Issue 3')
  })

  test('refuses with nobody online and no backup, also by force, and leaves nothing behind', async () => {
    const bootstrap = await privateNetwork()
    const lost = await author(bootstrap, { issues: 1 })
    await lost.engine.close()
    const device = await openIn(await temporaryDirectory(), bootstrap)
    const { operations } = device
    const input = { recoveryPhrase: lost.phrase, timeoutSeconds: 0.5 }
    for (const force of [false, true]) {
      const error = await expectFailure(
        'FEED_BEHIND',
        operations.restoreNewsletter({ ...input, force }),
      )
      expect(error.exitCode).toBe(3)
      expect(error.hint).toContain('--bundle')
    }
    expect(await operations.listNewsletters({})).toEqual([])
    expect(await readdir(device.engine.config.keysDir)).toEqual([])
  })

  test('of a subscription with nobody online refuses, and by force takes what is here', async () => {
    const bootstrap = await privateNetwork()
    const lost = await author(bootstrap, { issues: 2 })
    const device = await reader(bootstrap, lost.link)
    await lost.engine.close()
    await device.engine.close()
    const { dataDir } = device.engine.config
    const again = await openIn(dataDir, bootstrap)
    const input = { recoveryPhrase: lost.phrase, timeoutSeconds: 0.5 }
    await expectFailure('FEED_BEHIND', again.operations.restoreNewsletter(input))
    expect(single(await again.operations.listNewsletters({})).roles).toEqual(['subscriber'])
    expect(await restore(again, lost.phrase, { timeoutSeconds: 0.5, force: true })).toMatchObject({
      issues: 2,
      peers: 0,
    })
    expect(await publish(again.operations, '# Issue 3\n')).toMatchObject({ number: 3 })
  })

  test('refuses a backup of another newsletter', async () => {
    const bootstrap = await privateNetwork()
    const lost = await author(bootstrap, { issues: 1 })
    const bundle = await backup(lost.operations, lost.feedKey)
    const device = await openIn(await temporaryDirectory(), bootstrap)
    const recoveryPhrase = await createRecoveryPhrase()
    const input = { recoveryPhrase, bundle, timeoutSeconds: 0.5 }
    const error = await expectFailure('INVALID_INPUT', device.operations.restoreNewsletter(input))
    expect(JSON.stringify(error)).not.toContain(recoveryPhrase.split(' ').slice(0, 3).join(' '))
    expect(await device.operations.listNewsletters({})).toEqual([])
  })

  test('keeps the phrase nowhere on the disk', async () => {
    const bootstrap = await privateNetwork()
    const lost = await author(bootstrap, { issues: 1 })
    const bundle = await backup(lost.operations, lost.feedKey)
    await lost.engine.close()
    const device = await openIn(await temporaryDirectory(), bootstrap)
    await restore(device, lost.phrase, { bundle, timeoutSeconds: 0.5 })
    await device.engine.close()
    const some = lost.phrase.split(' ').slice(3, 6).join(' ')
    const { dataDir } = device.engine.config
    for (const it of await readdir(dataDir, { recursive: true, withFileTypes: true })) {
      if (!it.isFile()) continue
      expect((await readFile(join(it.parentPath, it.name))).includes(some)).toBe(false)
    }
  })
})

describe('a copy of the directory that is put back', () => {
  test('catches up from readers first, and nobody ever meets a second history', async () => {
    const bootstrap = await privateNetwork()
    const { dataDir, engine, operations, link, feedKey } = await author(bootstrap, { issues: 2 })
    const readers = [await reader(bootstrap, link), await reader(bootstrap, link)]
    await engine.close()
    const copy = `${dataDir}-copy`
    await cp(dataDir, copy, { recursive: true })
    expect(operations).toBeDefined()
    const original = await openIn(dataDir, bootstrap)
    await original.engine.network()
    for (const number of [3, 4, 5]) await publish(original.operations, `# Issue ${number}\n`)
    for (const it of readers) await expectNewest(it, feedKey, 5, 'Issue 5')
    await original.engine.close()
    await rm(dataDir, { recursive: true })
    await rename(copy, dataDir)

    const back = await openIn(dataDir, bootstrap)
    expect(await publish(back.operations, '# Issue 6\n')).toMatchObject({ number: 6 })

    for (const it of [...readers, back]) await expectNewest(it, feedKey, 6, 'Issue 6')
    await back.engine.close()
    // From here on it is an ordinary one: nobody has to be asked.
    const later = await openIn(dataDir, [])
    expect(await publish(later.operations, '# Issue 7\n')).toMatchObject({ number: 7 })
  })

  test('imports nothing twice that its original published', async () => {
    const bootstrap = await privateNetwork()
    const { dataDir, engine, link, feedKey } = await author(bootstrap, { issues: 0 })
    const other = await reader(bootstrap, link)
    const folder = await temporaryDirectory()
    for (const it of ['a', 'b']) await writeFile(join(folder, `${it}.md`), `# Draft ${it}\n`)
    await engine.close()
    const copy = `${dataDir}-copy`
    await cp(dataDir, copy, { recursive: true })
    const original = await openIn(dataDir, bootstrap)
    await original.engine.network()
    await all(original.operations.importFolder({ folder }))
    await expectNewest(other, feedKey, 2, 'Draft b')
    await original.engine.close()
    await rm(dataDir, { recursive: true })
    await rename(copy, dataDir)

    const back = await openIn(dataDir, bootstrap)
    const events = await all(back.operations.importFolder({ folder }))
    expect(single(only(events, 'finished')).published).toBe(0)
    expect(await back.operations.listIssues({ newsletter: feedKey })).toHaveLength(2)
  })
})

describe('repair', () => {
  /** An author whose old copy was forced to publish beside what a reader holds. */
  async function forked(bootstrap: readonly Address[]) {
    const { dataDir, engine, link, feedKey } = await author(bootstrap, { issues: 1 })
    const other = await reader(bootstrap, link)
    await engine.close()
    const copy = `${dataDir}-copy`
    await cp(dataDir, copy, { recursive: true })
    const original = await openIn(dataDir, bootstrap)
    await original.engine.network()
    await publish(original.operations, '# Honest 2\n')
    await publish(original.operations, '# Honest 3\n')
    await expectNewest(other, feedKey, 3, 'Honest 3')
    await original.engine.close()
    await rm(dataDir, { recursive: true })
    await rename(copy, dataDir)
    const alone = await openIn(dataDir, [])
    const draft = { markdown: '# Rash 2\n' }
    await all(alone.operations.publishIssue({ draft, force: true }))
    await alone.engine.close()
    return { dataDir, other, feedKey }
  }

  test('goes back to what readers hold where nobody took the other history', async () => {
    const bootstrap = await privateNetwork()
    const { dataDir, other, feedKey } = await forked(bootstrap)
    const { engine, operations } = await openIn(dataDir, bootstrap)

    expect(await operations.repairNewsletter({ newsletter: feedKey })).toEqual({
      feedKey,
      forked: true,
      length: 7,
      peers: 1,
      removed: [{ number: 2, title: 'Rash 2' }],
    })

    expect(await publish(operations, '# Honest 4\n')).toMatchObject({ number: 4 })
    await expectNewest(other, feedKey, 4, 'Honest 4')
    await expectNewest({ engine, operations }, feedKey, 4, 'Honest 4')
    expect(await operations.repairNewsletter({ newsletter: feedKey })).toMatchObject({
      forked: false,
      removed: [],
    })
    const left = await readdir(dataDir)
    expect(left.filter((it) => it.startsWith('repair-'))).toEqual([])
  })

  test('works after the two histories met, and clears the mark', async () => {
    const bootstrap = await privateNetwork()
    const { dataDir, other, feedKey } = await forked(bootstrap)
    const { engine, operations } = await openIn(dataDir, bootstrap)
    await engine.network()
    await eventually(async () => {
      const { problem } = single(await operations.listNewsletters({}))
      expect(problem?.code).toBe('FEED_CONFLICT')
      expect(problem?.evidence?.length).toBeGreaterThan(0)
    })
    expect(await operations.repairNewsletter({ newsletter: feedKey })).toMatchObject({
      forked: true,
    })
    expect(single(await operations.listNewsletters({})).problem).toBeUndefined()
    await publish(operations, '# Honest 4\n')
    await eventually(async () => {
      const [newest] = await other.operations.listIssues({ newsletter: feedKey })
      expect(newest).toMatchObject({ number: 4, held: true })
    })
  })

  test('changes nothing while no reader answers', async () => {
    const bootstrap = await privateNetwork()
    const { dataDir, other, feedKey } = await forked(bootstrap)
    await other.engine.close()
    const { operations } = await openIn(dataDir, bootstrap)
    const input = { newsletter: feedKey, timeoutSeconds: 0.5 }
    await expectFailure('NOT_AVAILABLE', operations.repairNewsletter(input))
    const [newest] = await operations.listIssues({ newsletter: feedKey })
    expect(newest).toMatchObject({ number: 2, title: 'Rash 2' })
  })

  test('changes nothing where a reader took the other history, and says what is possible', async () => {
    const bootstrap = await privateNetwork()
    const { dataDir, other, feedKey } = await forked(bootstrap)
    const { operations } = await openIn(dataDir, bootstrap)
    const file = await backup(operations, feedKey)
    const second = await openPeer(bootstrap)
    await all(second.operations.importBundle({ file, subscribe: true }))
    await eventually(async () => {
      const { problem } = single(await second.operations.listNewsletters({}))
      expect(problem?.code).toBe('FEED_CONFLICT')
    })

    const input = { newsletter: feedKey, timeoutSeconds: 5 }
    const error = await expectFailure('FEED_CONFLICT', operations.repairNewsletter(input))

    expect(error.hint).toContain('succeed')
    const newest = { newsletter: feedKey, number: 2 }
    const rash = { title: 'Rash 2', verified: true }
    expect(await operations.readIssue(newest)).toMatchObject(rash)
    expect(await second.operations.readIssue(newest)).toMatchObject(rash)
    expect(await other.operations.readIssue(newest)).toMatchObject({ title: 'Honest 2' })
  })
})

test('a bundle of another history leaves the newsletter as it is, and marks it', async () => {
  const { engine, operations, feedKey, phrase, dataDir } = await author([], { issues: 1 })
  const earlier = await backup(operations, feedKey)
  await publish(operations, '# Issue 2\n')
  const device = await openIn(await temporaryDirectory(), [])
  await restore(device, phrase, { bundle: earlier, timeoutSeconds: 0.2 })
  await publish(device.operations, '# Another 2\n')
  const file = await backup(device.operations, feedKey)

  await expectFailure('FEED_CONFLICT', operations.importBundle({ file }))

  const { problem } = single(await operations.listNewsletters({}))
  expect(problem).toMatchObject({ code: 'FEED_CONFLICT', evidence: { length: 5, fork: 0 } })
  expect(await publish(operations, '# Issue 3\n')).toMatchObject({ number: 3 })
  await engine.close()
  const again = await openIn(dataDir, [])
  expect(single(await again.operations.listNewsletters({})).problem).toStrictEqual(problem)
})
