import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { all, expectFailure, only, single } from '../helpers/operations.ts'
import { openPeer, publish } from '../helpers/peers.ts'
import { subscribe } from '../helpers/swarm-peers.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { privateNetwork } from '../helpers/testnet.ts'
import { open, openWithNewsletter, type Subject } from './subject.ts'

/** The public test vector of BIP-39, and what becomes of it. */
const ABANDON = [...Array.from({ length: 23 }, () => 'abandon'), 'art']

const BAD_PHRASES = [
  ['with a misspelled word', [...ABANDON.slice(0, 23), 'artt']],
  ['with a word too few', ABANDON.slice(0, 23)],
  ['with a word too many', [...ABANDON, 'art']],
  ['with a wrong checksum', [...ABANDON.slice(0, 23), 'abandon']],
  ['in another order', ['art', ...ABANDON.slice(0, 23)]],
  ['of control characters', ['\u001b[31m', ...ABANDON.slice(0, 23)]],
] as const

/** `restore` and `repair`. */
export function restoringTests(subject: Subject): void {
  it.each(BAD_PHRASES)(
    'refuses to restore from a phrase %s, and repeats little of it',
    async (...it) => {
      const operations = await open(subject)
      const restoring = operations.restoreNewsletter({ recoveryPhrase: it[1].join(' ') })
      const error = await expectFailure('INVALID_INPUT', restoring)
      expect(error.message).not.toContain('abandon abandon')
      expect(error.message).not.toContain('\u001b')
      expect(await operations.listNewsletters({})).toStrictEqual([])
    },
  )

  it('refuses with FEED_BEHIND while nobody sends the log', async () => {
    const operations = await open(subject)
    const input = { recoveryPhrase: ABANDON.join(' '), timeoutSeconds: 0.3 }
    const error = await expectFailure('FEED_BEHIND', operations.restoreNewsletter(input))
    expect(error.hint).toContain('--bundle')
    expect(await operations.listNewsletters({})).toStrictEqual([])
  })

  it('restores a newsletter from a reader, and publishes on', async () => {
    const network = await privateNetwork()
    const lost = await openPeer(network)
    const created = await lost.operations.createNewsletter({ title: 'Tides', private: true })
    const { link, feedKey, recoveryPhrase } = created
    await publish(lost.operations, '# Issue 1\n')
    await publish(lost.operations, '# Issue 2\n')
    await subscribe(await openPeer(network), link)
    await lost.engine.close()

    const operations = await open(subject, network)
    const events = await all(operations.restoreNewsletter({ recoveryPhrase, timeoutSeconds: 10 }))
    expect(single(only(events, 'finished'))).toStrictEqual({
      event: 'finished',
      feedKey,
      link,
      title: 'Tides',
      issues: 2,
      peers: 1,
    })
    expect(only(events, 'progress').length).toBeGreaterThan(0)
    expect(await publish(operations, '# Issue 3\n')).toMatchObject({ number: 3 })
  })

  it('refuses a backup that does not exist, is none, or is damaged', async () => {
    const operations = await open(subject)
    const folder = await temporaryDirectory()
    const [missing, text] = [join(folder, 'gone.bundle'), join(folder, 'text.bundle')]
    await writeFile(text, 'not a bundle')
    const input = { recoveryPhrase: ABANDON.join(' '), timeoutSeconds: 0.3 }
    const restore = (bundle: string) => operations.restoreNewsletter({ ...input, bundle })
    await expectFailure('INVALID_INPUT', restore(missing))
    await expectFailure('INVALID_BUNDLE', restore(text))
  })

  it('repairs nothing while no reader answers, nor what is not published here', async () => {
    const { operations, feedKey } = await openWithNewsletter(subject)
    const repairing = operations.repairNewsletter({ newsletter: feedKey, timeoutSeconds: 0.3 })
    await expectFailure('NOT_AVAILABLE', repairing)
    await publish(operations, '# Still\n')
    await operations.seed({ link: 'y'.repeat(52) })
    const other = operations.repairNewsletter({ newsletter: 'y'.repeat(52) })
    await expectFailure('NOT_AUTHOR', other)
  })
}
