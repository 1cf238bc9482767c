import { expect, it, onTestFinished } from 'vitest'
import { Republishing } from '../../src/daemon/republishing.ts'
import { HyperletterError } from '../../src/errors.ts'
import type { Operations, Output } from '../../src/api/contract/contract.ts'
import type { Logger } from '../../src/logger.ts'
import { fakeOperations } from '../helpers/cli.ts'
import { eventually as succeeds } from '../helpers/swarm-peers.ts'

type Entry = Output<'listRepublished'>[number]

const eventually = (check: () => boolean) => succeeds(() => expect(check()).toBe(true))

const feedKey = 'y'.repeat(52)

function loopOver(entries: Entry[], look: (address: string) => void) {
  const logged: string[] = []
  const log = (_facts: unknown, text: string) => void logged.push(text)
  const logger = { info: log, warn: log, error: log, debug: log } as unknown as Logger
  const operations: Operations = fakeOperations({
    listRepublished: () => Promise.resolve(entries),
    async *republishFeed({ address }) {
      const at = entries.findIndex((it) => it.address === address)
      if (at >= 0) entries[at] = { ...(entries[at] as Entry), checkedAt: new Date().toISOString() }
      look(address)
      yield await Promise.resolve({ event: 'finished', feedKey, title: 'Tides', published: 1 })
    },
    stopRepublishing: ({ address }) => {
      entries.splice(0, entries.length)
      return Promise.resolve({ address, feedKey })
    },
  })
  const republishing = new Republishing({ operations, logger, hasList: () => true })
  const woken = republishing.woken(operations)
  republishing.start()
  onTestFinished(() => republishing.close())
  return { logged, operations: woken, republishing }
}

const entry = (address: string, everySeconds: number, checkedAt?: string): Entry => ({
  address,
  feedKey,
  everySeconds,
  ...(checkedAt === undefined ? {} : { checkedAt }),
})

it('looks at each feed when its time has come, and again after its interval', async () => {
  const seen: string[] = []
  const soon = new Date().toISOString()
  const later = new Date(Date.now() + 3_600_000).toISOString()
  const entries = [
    entry('new', 0.05),
    entry('fresh', 600, soon),
    entry('clock was set back', 600, later),
  ]
  const { logged } = loopOver(entries, (address) => seen.push(address))
  await eventually(() => seen.filter((it) => it === 'new').length > 3)
  expect(seen).toContain('clock was set back')
  expect(seen).not.toContain('fresh')
  expect(logged).toContain('published from a feed')
})

it('tells of a failure once, and when it works again', async () => {
  let isBroken = true
  let looks = 0
  const { logged } = loopOver([entry('a', 0.02)], () => {
    looks++
    if (isBroken) throw new HyperletterError('NOT_AVAILABLE', 'No answer.')
  })
  await eventually(() => looks > 4)
  expect(logged).toStrictEqual(['a feed cannot be republished: a'])
  isBroken = false
  await eventually(() => logged.includes('a feed cannot be republished: a: it works again'))
})

it('wakes for a feed that is named while it waits', async () => {
  const seen: string[] = []
  const entries: Entry[] = []
  const { operations } = loopOver(entries, (address) => seen.push(address))
  await new Promise((resolve) => setTimeout(resolve, 20))
  entries.push(entry('b', 0.05))
  for await (const _ of operations.republishFeed({ address: 'b' }));
  await eventually(() => seen.filter((it) => it === 'b').length > 2)
  expect(seen).not.toContain('a')
  await operations.stopRepublishing({ address: 'b' })
})
