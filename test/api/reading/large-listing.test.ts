import { expect, test } from 'vitest'
import { bindOperations } from '../../../src/api/operations.ts'
import { openEngine } from '../../helpers/engines.ts'
import { beginNewsletter, issueOf } from '../../helpers/newsletters.ts'
import { expectFailure } from '../../helpers/operations.ts'

test('a newsletter that is too large to list whole says so, and its newest issues can be read', async () => {
  const engine = await openEngine()
  const operations = bindOperations(engine, 'engine')
  const { feed } = await beginNewsletter(engine)
  const titles = Array.from({ length: 20 }, (_, i) => `Issue ${i + 1}`)
  await engine.author.append(feed, await Promise.all(titles.map((it) => issueOf(it))), {})
  const newsletter = feed.feedKey
  expect(await operations.listNewsletters({})).toMatchObject([{ issues: 20, unread: 0 }])

  feed.maxRecordBytes = 1_500
  const [summary] = await operations.listNewsletters({})
  const listed = await operations.listIssues({ newsletter })
  const oldest = listed.at(-1)?.number ?? 0
  expect(oldest).toBeGreaterThan(10)
  expect(summary).toMatchObject({ issues: listed.length, title: 'Tide Tables' })
  expect(summary?.problem).toEqual({
    code: 'TOO_LARGE',
    message: `It is too large to list whole: issues before number ${oldest} are left out.`,
    next: 'Read what is listed. With a larger --disk-cap more of it is.',
  })
  expect((await operations.status({})).newsletters).toMatchObject([{ problem: summary?.problem }])
  const { reasons } = await operations.explainNewsletter({ newsletter })
  expect(reasons).toContainEqual({ ...summary?.problem, code: 'too-large' })
  expect(await operations.readIssue({ newsletter, number: oldest })).toMatchObject({
    title: `Issue ${oldest}`,
    verified: true,
  })
  await expectFailure('TOO_LARGE', operations.readIssue({ newsletter, number: 1 }))
  await expectFailure('ISSUE_NOT_FOUND', operations.readIssue({ newsletter, number: 21 }))

  feed.maxRecordBytes = Infinity
  expect(await operations.listNewsletters({})).toMatchObject([{ issues: 20 }])
  expect((await operations.status({})).newsletters[0]).not.toHaveProperty('problem')
  expect(await operations.readIssue({ newsletter, number: 1 })).toMatchObject({ title: 'Issue 1' })
})
