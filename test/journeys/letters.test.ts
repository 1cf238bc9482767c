import { expect, it } from 'vitest'
import { bindOperations } from '../../src/api/operations.ts'
import type { Operations } from '../../src/api/contract/contract.ts'
import { openEngine } from '../helpers/engines.ts'
import { all, checked, expectFailure } from '../helpers/operations.ts'
import { publish } from '../helpers/peers.ts'
import { eventually } from '../helpers/swarm-peers.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { privateNetwork } from '../helpers/testnet.ts'

/** Somebody whose device goes on and off. */
async function person(bootstrap: Awaited<ReturnType<typeof privateNetwork>>) {
  const dataDir = await temporaryDirectory()
  const on = async () => {
    const engine = await openEngine({ bootstrap, dataDir })
    await engine.network()
    return { engine, operations: checked(bindOperations(engine, 'engine')) }
  }
  return { on }
}

const letters = (operations: Operations, newsletter: string) =>
  operations.listLetters({ newsletter })

it.each(['a public', 'a private'])(
  'a letter to %s newsletter reaches its author by another reader, and readers as it was signed',
  async (kind) => {
    const bootstrap = await privateNetwork()
    const [mara, carrier, writer, reader] = await Promise.all(
      Array.from({ length: 4 }, () => person(bootstrap)),
    )
    const author = await mara?.on()
    const created = await author?.operations.createNewsletter({
      title: 'Tide tables',
      private: kind === 'a private',
    })
    if (!author || !created || !carrier || !writer || !reader) throw new Error('Nobody is there.')
    const { feedKey, link } = created
    await publish(author.operations, '# One\n\nHigh water at 12:10.\n')
    const middle = await carrier.on()
    await all(middle.operations.subscribe({ link }))

    const ada = await writer.on()
    await all(ada.operations.subscribe({ link }))
    const letter = { newsletter: feedKey, issue: 1, text: 'It is 14:10.\n\nIs it?', as: 'Ada' }
    await expectFailure('INVALID_INPUT', ada.operations.writeLetter(letter))
    await author.operations.editNewsletter({ newsletter: feedKey, letters: 'anyone' })
    await eventually(async () => expect((await letters(ada.operations, feedKey)).wanted).toBe(true))
    await eventually(async () =>
      expect((await letters(middle.operations, feedKey)).wanted).toBe(true),
    )
    await author.engine.close()

    const { from, carriers } = await ada.operations.writeLetter({ ...letter, waitSeconds: 30 })
    expect(carriers).toBe(1)
    await ada.operations.writeLetter({
      ...letter,
      text: 'For you.',
      private: true,
      waitSeconds: 30,
    })
    await ada.engine.close()
    // What is carried is on its disk, and says nothing to it.
    expect((await letters(middle.operations, feedKey)).published).toEqual([])
    await middle.engine.close()
    const again = await carrier.on()

    const back = await mara?.on()
    if (!back) throw new Error('The author does not come back.')
    await eventually(async () =>
      expect((await letters(back.operations, feedKey)).waiting).toHaveLength(2),
    )
    const { waiting } = await letters(back.operations, feedKey)
    expect(waiting[0]).toMatchObject({
      from,
      known: false,
      name: 'Ada',
      issue: 1,
      text: letter.text,
    })
    expect(waiting[1]).toMatchObject({ from, private: true, text: 'For you.' })
    const [first = 0, second = 0] = waiting.map((it) => it.number)
    const decide = (input: Parameters<Operations['decideLetters']>[0]) =>
      back.operations.decideLetters({ newsletter: feedKey, ...input })
    await expectFailure('INVALID_INPUT', decide({ accept: [{ number: second }] }))
    await expectFailure('INVALID_INPUT', decide({ accept: [{ number: first }], decline: [99] }))
    await expectFailure('INVALID_INPUT', decide({ accept: [{ number: first }], decline: [first] }))
    const answered = { number: first, answer: 'Yes. Thank you.' }
    expect(await decide({ accept: [answered], decline: [second] })).toMatchObject({
      feedKey,
      published: [1],
      declined: 1,
    })
    expect((await letters(back.operations, feedKey)).waiting).toEqual([])
    await eventually(async () =>
      expect((await letters(again.operations, feedKey)).published).toHaveLength(1),
    )
    await back.engine.close()

    // Who comes later has it from a reader alone, and so has its writer what became of it.
    const late = await reader.on()
    await all(late.operations.subscribe({ link }))
    const { letters: shown } = await late.operations.readIssue({ newsletter: feedKey, number: 1 })
    expect(shown).toEqual([
      {
        number: 1,
        from,
        name: 'Ada',
        issue: 1,
        text: letter.text,
        answer: answered.answer,
        writtenAt: expect.stringMatching(/Z$/) as string,
      },
    ])
    const home = await writer.on()
    await eventually(async () => {
      const { mine } = await letters(home.operations, feedKey)
      expect(mine.map((it) => it.state)).toEqual(['published', 'received'])
    })
  },
)
