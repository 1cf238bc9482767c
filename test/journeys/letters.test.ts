import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { bindOperations } from '../../src/api/operations.ts'
import type { Operations } from '../../src/api/contract/contract.ts'
import { runNode } from '../helpers/child.ts'
import { openEngine } from '../helpers/engines.ts'
import { all, checked, expectFailure } from '../helpers/operations.ts'
import { publish } from '../helpers/peers.ts'
import { addressOf, eventually, feedOf, standing } from '../helpers/swarm-peers.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { privateNetwork } from '../helpers/testnet.ts'

const SEEDER = fileURLToPath(new URL('../interop/seed-with-plain-hypercore.js', import.meta.url))

/** Somebody whose device goes on and off. */
async function person(bootstrap: Awaited<ReturnType<typeof privateNetwork>>) {
  const dataDir = await temporaryDirectory()
  const on = async () => {
    const engine = await openEngine({ bootstrap, dataDir })
    await engine.network()
    return { engine, operations: checked(bindOperations(engine, 'engine')) }
  }
  return { on, dataDir }
}

/** Whether a text is in a file below a folder. */
async function isOnDisk(folder: string, text: string): Promise<boolean> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    if (path.includes(text) || (await readFile(path)).includes(text)) return true
  }
  return false
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
    const isBlind = kind === 'a private'
    const middle = await carrier.on()
    // A private newsletter is carried by who cannot read it.
    if (isBlind) await middle.operations.seed({ link: feedKey })
    else await all(middle.operations.subscribe({ link }))

    const ada = await writer.on()
    await all(ada.operations.subscribe({ link }))
    const letter = { newsletter: feedKey, issue: 1, text: 'It is 14:10.\n\nIs it?', as: 'Ada' }
    await expectFailure('INVALID_INPUT', ada.operations.writeLetter(letter))
    await author.operations.editNewsletter({ newsletter: feedKey, letters: 'anyone' })
    await eventually(async () => expect((await letters(ada.operations, feedKey)).wanted).toBe(true))
    const isReady = async () =>
      isBlind
        ? (await standing(middle, feedKey)).heldBlocks === 4
        : (await letters(middle.operations, feedKey)).wanted
    await eventually(async () => expect(await isReady()).toBe(true))
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
    await middle.engine.close()
    expect(await isOnDisk(carrier.dataDir, feedKey)).toBe(true)
    expect(await isOnDisk(carrier.dataDir, 'It is 14:10.')).toBe(false)
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
    const { length } = await feedOf(back, feedKey)
    const dir = await temporaryDirectory()
    const seeder = runNode([SEEDER, addressOf(bootstrap), feedKey, dir])
    await seeder.line(new RegExp(`^held ${length}$`))
    await eventually(async () =>
      expect(await standing(again, feedKey)).toMatchObject({ heldBlocks: length }),
    )
    await again.engine.close()
    await back.engine.close()
    expect(await isOnDisk(dir, 'It is 14:10.')).toBe(!isBlind)
    expect(await isOnDisk(carrier.dataDir, 'It is 14:10.')).toBe(!isBlind)

    // Who comes later has it from a plain Hypercore alone, and so has its writer what became of it.
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
    // A carrier has the receipt, also after it was off.
    await carrier.on()
    const home = await writer.on()
    await eventually(async () => {
      const { mine } = await letters(home.operations, feedKey)
      expect(mine.map((it) => it.state)).toEqual(['published', 'received'])
    })
  },
)

it('an author admits, answers, withdraws and blocks', async () => {
  const bootstrap = await privateNetwork()
  const [mara, writer] = [await person(bootstrap), await person(bootstrap)]
  const [author, ada] = [await mara.on(), await writer.on()]
  const { feedKey, link } = await author.operations.createNewsletter({ title: 'Tide tables' })
  await author.operations.editNewsletter({ newsletter: feedKey, letters: 'admitted' })
  await all(ada.operations.subscribe({ link }))
  const newsletter = feedKey
  const write = (input: object) =>
    ada.operations.writeLetter({ newsletter, waitSeconds: 30, ...input })
  const decide = (input: object) => author.operations.decideLetters({ newsletter, ...input })
  const waiting = async () => (await letters(author.operations, feedKey)).waiting
  const published = async () => (await letters(ada.operations, feedKey)).published

  await expectFailure('INVALID_INPUT', write({ text: 'Hello.' }))
  const { code } = await author.operations.admitSenders({ newsletter })
  const { length } = await feedOf(author, feedKey)
  await eventually(async () =>
    expect(await standing(ada, feedKey)).toMatchObject({ heldBlocks: length }),
  )
  await expectFailure('INVALID_INPUT', write({ text: 'Hello.', code: 'y'.repeat(52) }))
  expect(await write({ text: 'Hello.', code })).toMatchObject({ received: true })
  // The code is remembered.
  expect(await write({ text: 'Again.', as: 'Ada' })).toMatchObject({ received: true })
  expect(await waiting()).toMatchObject([{ text: 'Hello.' }, { text: 'Again.' }])
  expect(await decide({ accept: [{ number: 2 }] })).toMatchObject({ published: [1] })
  await decide({ answers: [{ number: 1, answer: 'Yes.' }] })
  await expectFailure('INVALID_INPUT', decide({ answers: [{ number: 7, answer: 'No.' }] }))
  await eventually(async () => expect(await published()).toMatchObject([{ answer: 'Yes.' }]))

  await expectFailure('INVALID_INPUT', write({ withdraw: 2 }))
  await write({ withdraw: 1 })
  expect(await waiting()).toMatchObject([{ number: 3, withdraw: 1 }, { number: 1 }])
  await expectFailure('INVALID_INPUT', decide({ accept: [{ number: 3 }] }))
  await decide({ withdraw: [{ number: 1 }], decline: [3] })
  await expectFailure('INVALID_INPUT', decide({ withdraw: [{ number: 1 }] }))
  await eventually(async () => expect(await published()).toEqual([]))

  const [first] = await waiting()
  const from = first?.from ?? ''
  expect(await decide({ block: [1] })).toMatchObject({ declined: 1, blocked: [from] })
  expect(await write({ text: 'Buy.', waitSeconds: 1 })).toMatchObject({ received: false })
  expect(await decide({ unblock: [from] })).toMatchObject({ blocked: [] })
  expect(await write({ text: 'Sorry.' })).toMatchObject({ received: true })
  expect(await waiting()).toMatchObject([{ number: 4, text: 'Sorry.' }])
  expect(await author.operations.admitSenders({ newsletter, revoke: true })).toMatchObject({
    codes: 0,
  })
})
