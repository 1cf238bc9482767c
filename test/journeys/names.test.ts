import { expect, it } from 'vitest'
import { bindOperations } from '../../src/api/operations.ts'
import { testDomain } from '../helpers/domain.ts'
import { openEngine } from '../helpers/engines.ts'
import { all, checked, expectFailure, only, single } from '../helpers/operations.ts'
import { openAuthor } from '../helpers/peers.ts'
import { privateNetwork } from '../helpers/testnet.ts'

it('a newsletter is followed by a domain when each names the other, and called as its reader likes', async () => {
  const bootstrap = await privateNetwork()
  const author = await openAuthor(bootstrap, { issues: 1 })
  const { feedKey } = author
  let isThere = true
  const domain = await testDomain((_, response) => {
    const body = isThere ? { newsletters: { [feedKey]: {} } } : {}
    response.end(JSON.stringify(body))
  })
  const engine = await openEngine({ bootstrap, domainSources: domain.sources })
  const operations = checked(bindOperations(engine, 'engine'))

  // The domain alone, which anybody can rent, makes nobody follow it.
  const byName = { link: 'Tides.Example' }
  await expectFailure('INVALID_INPUT', operations.previewNewsletter(byName))
  await expectFailure('INVALID_INPUT', all(operations.subscribe(byName)))
  await expectFailure('INVALID_INPUT', all(operations.subscribe({ ...byName, wait: false })))
  await expectFailure('INVALID_LINK', operations.seed(byName))
  expect(await operations.listNewsletters({})).toEqual([])

  const names = ['tides.example', 'other.example']
  await author.operations.editNewsletter({ newsletter: feedKey, names })
  expect(await operations.previewNewsletter(byName)).toMatchObject({ feedKey, name: names[0] })
  const subscribed = single(only(await all(operations.subscribe(byName)), 'subscribed'))
  expect(subscribed).toMatchObject({ feedKey, name: names[0] })
  const summary = async () => single(await operations.listNewsletters({}))
  const checkedAt = expect.stringMatching(/^\d{4}-.*Z$/) as string
  expect((await summary()).names).toEqual([
    { name: 'tides.example', verified: true, checkedAt },
    { name: 'other.example', verified: false },
  ])

  // Nobody is asked before somebody says so.
  const before = domain.asked.length
  domain.records['_hyperletter.other.example'] = [`feed=${'y'.repeat(52)}`]
  await summary()
  expect(domain.asked).toHaveLength(before)
  const verified = await operations.verifyNames({ newsletter: feedKey })
  expect(verified.map(({ name, verified: is }) => [name, is])).toEqual([
    ['tides.example', true],
    ['other.example', false],
  ])
  expect(domain.asked).toHaveLength(before + 2)
  isThere = false
  domain.records['_hyperletter.tides.example'] = [`feed=${'y'.repeat(52)}`]
  await operations.verifyNames({})
  expect((await summary()).names?.[0]).toEqual({
    name: 'tides.example',
    verified: false,
    checkedAt,
  })

  await operations.nameNewsletter({ newsletter: feedKey, name: 'Mara' })
  expect(await summary()).toMatchObject({ title: 'Mara', authorTitle: 'Tide tables' })
  await author.operations.editNewsletter({ newsletter: feedKey, title: 'Tides' })
  await all(operations.followSync({ newsletter: 'Mara', refresh: true }))
  expect(await summary()).toMatchObject({ title: 'Mara', authorTitle: 'Tides' })
  expect(single(await operations.listIssues({ newsletter: 'mara' })).newsletter).toBe('Mara')
  await all(operations.subscribe({ link: feedKey }))
  const named = await operations.nameNewsletter({ newsletter: 'Mara' })
  expect(named).toEqual({ feedKey, title: 'Tides' })
  expect(await summary()).not.toHaveProperty('authorTitle')
  const { feedKey: other } = await operations.createNewsletter({ title: 'T\u0456des' })
  expect((await operations.listNewsletters({})).map((it) => it.lookAlike)).toEqual([true, true])
  await operations.nameNewsletter({ newsletter: other, name: 'Another' })
  expect((await operations.listNewsletters({})).map((it) => it.lookAlike)).toEqual([
    undefined,
    undefined,
  ])
})

it('a private newsletter has no domain', async () => {
  const author = await openAuthor([], { isOnline: false, isPrivate: true })
  const { operations, feedKey: newsletter } = author
  const names = ['tides.example']
  await expectFailure('INVALID_INPUT', operations.editNewsletter({ newsletter, names }))
  const again = { title: 'Family news', names, private: true }
  await expectFailure('INVALID_INPUT', operations.createNewsletter(again))
})
