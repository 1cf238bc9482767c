import { expect, it } from 'vitest'
import type { Input, Operations } from '../../src/api/contract/contract.ts'
import { IssueList } from '../../src/cli/reader/issue-list.ts'

const HEIGHT = 24

/** An inbox of 200 unread issues. What is marked is gone from it at once; `answer` lets the answers of marks go. */
function inbox() {
  const unread = Array.from({ length: 200 }, (_, i) => ({
    feedKey: 'a',
    number: i + 1,
    read: false,
  }))
  let answer = () => {}
  const answered = new Promise<void>((resolve) => (answer = resolve))
  const operations = {
    listInbox: async ({ skip = 0, limit = 0 }: Input<'listInbox'>) => {
      await Promise.resolve()
      return unread.slice(skip, skip + limit)
    },
    markIssue: async ({ number }: Input<'markIssue'>) => {
      unread.splice(
        unread.findIndex((it) => it.number === number),
        1,
      )
      await answered
      return { read: true, starred: false }
    },
  } as unknown as Operations
  return { operations, answer }
}

const numbersIn = (list: IssueList) => list.view().issues.map((it) => it.number)
const all = Array.from({ length: 200 }, (_, i) => i + 1)

it('passes over no issue while one is being marked, whenever its part is asked for', async () => {
  for (const isMarkedFirst of [true, false]) {
    const { operations, answer } = inbox()
    const list = new IssueList(operations, { show: 'unread' })
    await list.reload(HEIGHT)
    const [row] = list.view().issues
    if (row === undefined) throw new Error('The list is empty.')
    const loading = isMarkedFirst ? undefined : list.choose(190, HEIGHT)
    const marking = list.mark(row, { read: true })
    await (loading ?? list.choose(190, HEIGHT))
    answer()
    await marking
    await list.choose(Infinity, HEIGHT)
    expect(numbersIn(list)).toEqual(all)
  }
})
