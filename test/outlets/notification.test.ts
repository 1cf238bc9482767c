import { expect, onTestFinished, test } from 'vitest'
import { OutletDispatcher } from '../../src/outlets/dispatcher.ts'
import { notificationOutlet } from '../../src/outlets/notification.ts'
import type { ProgramOptions } from '../../src/outlets/program.ts'
import { arrived, corrected, keptLog, outcome, unpublished } from '../helpers/arrivals.ts'
import { eventually } from '../helpers/swarm-peers.ts'

interface Shown {
  readonly program: string
  readonly args: readonly string[]
  readonly env: ProgramOptions['env']
}

async function open(platform: NodeJS.Platform, error?: Error) {
  const shown: Shown[] = []
  const { logger, lines } = keptLog()
  const notification = notificationOutlet({
    platform,
    run: async (program, args, { env }) => {
      shown.push({ program, args, env })
      if (error !== undefined) throw error
      return Promise.resolve()
    },
  })
  const outlet = await OutletDispatcher.open(notification, logger)
  onTestFinished(() => outlet.close())
  return { outlet, shown, lines }
}

const evil = arrived({
  newsletter: '--help',
  title: '<b>\u001b]0;x\u0007\u202eTides & "$(id)"\nx</b>',
})

test('on Linux, text is neither an option nor markup', async () => {
  const { outlet, shown } = await open('linux')
  outlet.add(evil)
  await eventually(() => expect(shown).toHaveLength(1))
  expect(shown[0]).toMatchObject({
    program: 'notify-send',
    args: ['--app-name=Hyperletter', '--', '--help', '&lt;b&gt;Tides &amp; "$(id)" x&lt;/b&gt;'],
  })
})

test('on macOS, text is an argument of the script and no part of it', async () => {
  const { outlet, shown } = await open('darwin')
  outlet.add(evil)
  await eventually(() => expect(shown).toHaveLength(1))
  const [, script, title, text] = shown[0]?.args ?? []
  expect(shown[0]?.program).toBe('osascript')
  expect(script).not.toMatch(/Tides|help/)
  expect([title, text]).toEqual([' --help', '<b>Tides & "$(id)" x</b>'])
})

test('on Windows, text is in the environment', async () => {
  const { outlet, shown } = await open('win32')
  outlet.add(evil)
  await eventually(() => expect(shown).toHaveLength(1))
  expect(shown[0]?.args.join(' ')).not.toMatch(/Tides|--help/)
  expect(shown[0]?.env).toEqual({ HYPERLETTER_NOTICE_TITLE: '--help: <b>Tides & "$(id)" x</b>' })
})

test('issues that come together are shown together', async () => {
  const { outlet, shown } = await open('linux')
  for (let number = 1; number <= 50; number++)
    outlet.add(arrived({ number, newsletter: number > 25 ? 'A' : 'B' }))
  await eventually(() => expect(shown).toHaveLength(1))
  expect(shown[0]?.args.slice(2)).toEqual(['50 new issues', 'B, A'])
})

test('a machine without a desktop is logged once', async () => {
  const { outlet, shown, lines } = await open('linux', new Error('no display'))
  for (const number of [1, 2]) {
    outlet.add(arrived({ number }))
    await eventually(() => expect(shown).toHaveLength(number))
  }
  expect(lines).toHaveLength(1)
})

test('a correction is shown as one, alone and among others', async () => {
  const { outlet, shown } = await open('linux')
  outlet.add(corrected({ note: 'The time was wrong.' }))
  await eventually(() => expect(shown).toHaveLength(1))
  expect(shown[0]?.args.slice(2)).toEqual([
    'Tide tables',
    'Corrected: High water (The time was wrong.)',
  ])
  outlet.add(arrived())
  outlet.add(corrected({ retractedAt: '2026-03-02T00:00:00Z' }))
  await eventually(() => expect(shown).toHaveLength(2))
  expect(shown[1]?.args[2]).toBe('1 new issue, 1 corrected issue')
})

test('what became of scheduled drafts is shown with the reason, or counted', async () => {
  const { outlet, shown } = await open('linux')
  outlet.add(unpublished('Its text is issue 3 already.'))
  await eventually(() => expect(shown).toHaveLength(1))
  const text = 'Not published: High water (Its text is issue 3 already.)'
  expect(shown[0]?.args.slice(2)).toEqual(['Tide tables', text])
  outlet.add(outcome())
  outlet.add(arrived())
  await eventually(() => expect(shown).toHaveLength(2))
  expect(shown[1]?.args.slice(2)).toEqual(['1 new issue, 1 published issue', 'Tide tables'])
})
