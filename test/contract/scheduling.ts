import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { all, expectFailure, only, single } from '../helpers/operations.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { openWithNewsletter, type Subject } from './subject.ts'

const inMs = (ms: number) => new Date(Date.now() + ms).toISOString()

/** Publishing later, and taking that back. */
export function schedulingTests(subject: Subject): void {
  it('publishes a draft when its time has come, as it was when it was scheduled', async () => {
    const { operations, feedKey } = await openWithNewsletter(subject)
    const folder = await temporaryDirectory()
    const file = join(folder, 'tide.md')
    await writeFile(file, '# Tide\n\n![](a.svg)\n')
    await writeFile(join(folder, 'a.svg'), '<svg/>')
    const at = inMs(400)
    const waits = single(
      only(await all(operations.publishIssue({ draft: { file }, at })), 'scheduled'),
    )
    expect(waits).toMatchObject({ feedKey, title: 'Tide', at, publishedAt: at, attachments: 1 })
    await writeFile(file, '# Another\n')
    await writeFile(join(folder, 'a.svg'), 'another')
    const { id } = waits
    await expect
      .poll(async () => {
        await operations.publishScheduled({})
        return single(await operations.listScheduled({})).published?.number
      })
      .toBe(1)
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(at))
    expect(await operations.publishScheduled({})).toEqual({ done: [], waiting: 0 })
    const issue = await operations.readIssue({ newsletter: feedKey, number: 1 })
    expect(issue).toMatchObject({
      title: 'Tide',
      publishedAt: at,
      markdown: '# Tide\n\n![](a.svg)\n',
    })
    const attached = { newsletter: feedKey, number: 1, name: 'a.svg' }
    expect(Buffer.concat(await all(operations.readAttachment(attached))).toString()).toBe('<svg/>')
    await expectFailure('INVALID_INPUT', operations.cancelScheduled({ draft: id }))
  })

  it('holds a publication back, and takes it back', async () => {
    const { operations, feedKey } = await openWithNewsletter(subject)
    const hold = (title: string) =>
      all(operations.publishIssue({ draft: { markdown: `# ${title}\n` }, holdSeconds: 60 }))
    await hold('One')
    await hold('Two')
    await expectFailure('INVALID_INPUT', operations.cancelScheduled({}))
    await expectFailure('INVALID_INPUT', operations.cancelScheduled({ draft: 'three' }))
    expect(await operations.cancelScheduled({ draft: 'two' })).toMatchObject({ title: 'Two' })
    expect(await operations.cancelScheduled({})).toMatchObject({ title: 'One' })
    expect(await operations.listScheduled({})).toEqual([])
    expect(await operations.listIssues({ newsletter: feedKey })).toEqual([])
  })

  it('schedules what says so in its head, and refuses at once what it would refuse at its time', async () => {
    const { operations } = await openWithNewsletter(subject)
    const publish = (markdown: string, more: { at?: string } = {}) =>
      all(operations.publishIssue({ draft: { markdown }, ...more }))
    const scheduled = only(
      await publish('---\npublishAt: 2999-01-05 08:00\n---\n# A\n'),
      'scheduled',
    )
    const local = new Date(2999, 0, 5, 8, 0).toISOString()
    expect(scheduled).toMatchObject([{ at: local, publishedAt: local }])
    // Its own date, if that has come by then.
    const dated = await publish('---\ndate: 2999-01-01\n---\n# B\n', { at: '2999-01-05T08:00:00Z' })
    expect(dated).toMatchObject([{ publishedAt: '2999-01-01T00:00:00.000Z' }])
    const later = publish('---\ndate: 2999-02-01\n---\n# C\n', { at: '2999-01-05T08:00:00Z' })
    await expect(later).rejects.toMatchObject({ code: 'INVALID_DRAFT' })
    const over = publish('# D\n', { at: '2020-01-05T08:00:00Z' })
    await expect(over).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    expect(await operations.listScheduled({})).toHaveLength(2)
  })

  it('says why a draft could not be published at its time, and publishes it once it can be', async () => {
    const { operations, feedKey } = await openWithNewsletter(subject)
    const file = join(await temporaryDirectory(), 'tide.md')
    await writeFile(file, '# Tide\n\nHigh.\n')
    await all(operations.publishIssue({ draft: { file }, at: inMs(900) }))
    await all(operations.publishIssue({ draft: { file } }))
    const entry = async () => {
      await operations.publishScheduled({})
      return single(await operations.listScheduled({}))
    }
    await expect.poll(async () => (await entry()).problem?.message).toMatch(/issue 1 already/)
    expect((await entry()).published).toBeUndefined()
    await operations.retractIssue({ newsletter: feedKey, number: 1 })
    await expect.poll(async () => (await entry()).published?.number).toBe(2)
  })
}
