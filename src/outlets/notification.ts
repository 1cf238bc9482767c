import { singleLine } from '../render/plain.ts'
import { type OutletEvent, eventOf, factsOf, type Outlet } from './outlet.ts'
import { runProgram } from './program.ts'

export interface NotificationOutletOptions {
  readonly platform?: NodeJS.Platform
  readonly run?: typeof runProgram
}

/** Issues that arrive together are one notification: a week's absence must not fill the screen. */
const GATHER_MS = 1_500

const TIMEOUT_MS = 10_000

const MAX_TITLE_LENGTH = 80
const MAX_TEXT_LENGTH = 200

/** Shows its two arguments; nothing in them is part of the script. */
const APPLE_SCRIPT = `on run argv
display notification (item 2 of argv) with title (item 1 of argv)
end run`

/** The same, with what is shown in the environment. */
const POWERSHELL = `
[void][Windows.UI.Notifications.ToastNotificationManager, Windows.UI.Notifications, ContentType = WindowsRuntime]
$xml = [Windows.UI.Notifications.ToastNotificationManager]::GetTemplateContent(1)
$texts = $xml.GetElementsByTagName('text')
[void]$texts.Item(0).AppendChild($xml.CreateTextNode($env:HYPERLETTER_NOTICE_TITLE))
$id = '{1AC14E77-02E7-4E5D-B744-2EB1AE5198B7}\\WindowsPowerShell\\v1.0\\powershell.exe'
$toast = [Windows.UI.Notifications.ToastNotification]::new($xml)
[Windows.UI.Notifications.ToastNotificationManager]::CreateToastNotifier($id).Show($toast)`

/** Shows new issues on the desktop, where there is one. */
export function notificationOutlet({
  platform = process.platform,
  run = runProgram,
}: NotificationOutletOptions = {}): Outlet {
  return {
    failure: 'no notification could be shown',
    policy: { concurrency: 1, gatherMs: GATHER_MS },
    deliver(issues, signal) {
      const { title, text } = noticeOf(issues)
      const { program, args, env = {} } = notifier(platform, title, text)
      return run(program, args, { env, timeoutMs: TIMEOUT_MS, signal })
    },
  }
}

function noticeOf(all: readonly [OutletEvent, ...OutletEvent[]]): {
  title: string
  text: string
} {
  const newsletters = [...new Set(all.map((it) => factsOf(it).newsletter))]
  const isOne = all.length === 1
  return {
    title: cut(isOne ? (newsletters[0] ?? '') : countOf(all), MAX_TITLE_LENGTH),
    text: cut(isOne ? headlineOf(all[0]) : newsletters.join(', '), MAX_TEXT_LENGTH),
  }
}

function countOf(all: readonly OutletEvent[]): string {
  const kinds = { issue: 'new', corrected: 'corrected', published: 'published' } as const
  const counts = Object.entries(kinds).map(
    ([event, word]) => [all.filter((it) => eventOf(it) === event).length, word] as const,
  )
  const left = all.filter((it) => eventOf(it) === 'not-published').length
  const [first = '', ...others] = [...counts, [left, 'not published'] as const].flatMap(
    ([count, what]) => (count === 0 ? [] : [`${count} ${what} issue${count === 1 ? '' : 's'}`]),
  )
  return [first, ...others].join(', ')
}

/** Its title, and what became of it if it is not new. */
function headlineOf(it: OutletEvent): string {
  const { title, note, retractedAt } = factsOf(it)
  const what = {
    issue: undefined,
    corrected: retractedAt === undefined ? 'Corrected' : 'Retracted',
    published: 'Published',
    'not-published': 'Not published',
  }[eventOf(it)]
  const said = note === undefined ? '' : ` (${note})`
  return what === undefined ? title : `${what}: ${title}${said}`
}

function cut(text: string, length: number): string {
  const line = singleLine(text)
  return line.length <= length ? line : `${line.slice(0, length - 1).toWellFormed()}…`
}

interface Notifier {
  readonly program: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

function notifier(platform: NodeJS.Platform, title: string, text: string): Notifier {
  if (platform === 'darwin') {
    // Behind an argument that is none of osascript's own, nothing is taken for an option.
    return { program: 'osascript', args: ['-e', APPLE_SCRIPT, ` ${title}`, text] }
  }
  if (platform === 'win32') {
    return {
      program: 'powershell.exe',
      args: ['-NoProfile', '-NonInteractive', '-Command', POWERSHELL],
      env: { HYPERLETTER_NOTICE_TITLE: `${title}: ${text}` },
    }
  }
  const escaped = text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;')
  return { program: 'notify-send', args: ['--app-name=Hyperletter', '--', title, escaped] }
}
