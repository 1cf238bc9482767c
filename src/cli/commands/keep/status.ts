import type { Output } from '../../../api/contract/contract.ts'
import { call, type Commands, type Context, noteSuccessors } from '../../context.ts'
import {
  describeProblem,
  formatDuration,
  localWords,
  nameOf,
  plural,
  quoteTitle,
  shortKey,
} from '../../terminal/format.ts'
import { formatBytes } from '../../../render/plain.ts'
import { formatTable, right, shrinking } from '../../terminal/table.ts'

type Status = Output<'status'>
type NewsletterStatus = Status['newsletters'][number]

const BAR_WIDTH = 10

/** Columns of a terminal that has room for what was sent and received. */
const WIDE = 100

/** Share of the disk cap from which the next removal is shown. */
const NEARLY_FULL = 0.9

export const commands: Commands = {
  status: (command, bind) =>
    command
      .examples(
        'hyperletter status',
        `hyperletter status --json | jq '.newsletters[] | {title, fullCopies}'`,
      )
      .action(bind(status)),
}

async function status(context: Context): Promise<void> {
  const { out } = context
  const it = await call(context, 'status', {})
  const { dim, green, yellow } = out.style
  await out.result(it, async () => {
    const isDaemon = it.via === 'daemon'
    const isServing = isDaemon && it.online
    const facts = await formatTable(
      [{ style: dim }, shrinking()],
      [
        [
          'daemon',
          isDaemon ? { text: 'running', style: green } : { text: 'not running', style: yellow },
        ],
        [
          'network',
          it.limits?.pause === true
            ? { text: 'paused: nothing is exchanged', style: yellow }
            : isServing
              ? `online, ${plural(it.peers, 'peer')} connected${local(it)}`
              : 'offline',
        ],
        ['data', `${formatBytes(it.bytesOnDisk)} on disk in ${it.dataDir}`],
        ['storage', describeDisk(it.disk)],
        ...(it.traffic === undefined ? [] : [['traffic', describeTraffic(it.traffic)]]),
        ...(it.relay === undefined ? [] : [['relay', describeRelay(it.relay)]]),
        ...(it.web === undefined ? [] : [['gateway', describeGateway(it.web)]]),
        ...(it.scheduled ?? []).map(({ title, at, problem }) => [
          'scheduled',
          `${quoteTitle(title)}: ${problem ?? localWords(at)}`,
        ]),
      ],
      out,
    )
    if (it.newsletters.length === 0) return facts
    const table = await formatTable(
      [
        shrinking('newsletter'),
        'you are',
        right('issues'),
        'held',
        right('peers'),
        right('copies'),
        ...(out.width >= WIDE ? [right('sent'), right('received')] : []),
      ],
      it.newsletters.map((newsletter) => row(newsletter, context)),
      out,
    )
    const answers = isServing ? it.newsletters.map(copiesAnswer).filter((text) => text !== '') : []
    if (answers.length === 0) return `${facts}\n${table}`
    return `${facts}\n${table}\n${await wrapped(answers.join(''), out.width)}`
  })
  if (it.problem) await out.warn(it.problem.message)
  if (it.web?.problem !== undefined) await out.warn(`The gateway: ${it.web.problem}`)
  for (const { title, feedKey, problem } of it.newsletters) {
    if (problem) await out.warn(`${nameOf({ feedKey, title })}: ${describeProblem(problem)}`)
  }
  for (const { title, feedKey, leftOut, tooLarge } of it.newsletters) {
    const which = nameOf({ feedKey, title })
    if (leftOut > 0) {
      await out.note(`${plural(leftOut, 'issue')} of ${which} can be read while a peer has them.`)
    }
    for (const number of tooLarge) {
      await out.warn(`Issue ${number} of ${which} is larger than the disk cap and is not stored.`)
    }
  }
  for (const { title, feedKey, mirrors = [] } of it.newsletters) {
    for (const { address, state, message } of mirrors) {
      if (state === 'good' || state === 'not-asked') continue
      await out.warn(
        `${nameOf({ feedKey, title })}: the mirror ${address} is not used. ${message ?? ''}`,
      )
    }
  }
  await noteSuccessors(context, it.newsletters)
  const step = advice(it)
  if (step !== undefined) return out.next(step)
  // An author who is to stay online is told so above.
  const isWaiting = it.newsletters.some((one) => isAuthored(one) && !isSafe(one))
  if (!isWaiting) await out.note('Everything you chose to keep is here.')
}

function describeGateway({ address, tabs, uploadedBytes }: NonNullable<Status['web']>): string {
  return `${address}, ${plural(tabs, 'browser tab')}, ${formatBytes(uploadedBytes)} sent`
}

function local({ localPeers, relayedPeers = 0 }: Status): string {
  const inRoom = localPeers === 0 ? '' : `, ${localPeers} in this room over TCP`
  return relayedPeers === 0 ? inRoom : `${inRoom}, ${relayedPeers} through a relay`
}

function describeRelay({ offered, pairs, bytesToday }: NonNullable<Status['relay']>): string {
  const now = offered ? plural(pairs, 'pair') : 'not offered now'
  return `${now}, ${formatBytes(bytesToday)} relayed today`
}

function describeTraffic(traffic: NonNullable<Status['traffic']>) {
  const { uploadedBytes, downloadedBytes, since } = traffic
  const sent = `${formatBytes(uploadedBytes)} sent, ${formatBytes(downloadedBytes)} received`
  // A date in the form of the user would take longer to load than all else here together.
  return `${sent} in ${formatDuration((Date.now() - Date.parse(since)) / 1_000)}`
}

function row(it: NewsletterStatus, { out }: Context) {
  const { bold, dim, green, yellow } = out.style
  return [
    { text: it.title ?? shortKey(it.feedKey), style: it.title === undefined ? dim : bold },
    it.roles.join(', '),
    String(it.issues),
    { text: held(it), style: isComplete(it) ? green : yellow },
    String(it.peers),
    String(it.fullCopies),
    formatBytes((it.totals ?? it).uploadedBytes),
    formatBytes((it.totals ?? it).downloadedBytes),
  ]
}

function held({ heldBlocks, length }: NewsletterStatus): string {
  if (length === 0) return 'nothing yet'
  // Rounded down: 100 % must mean everything.
  const full = Math.floor((heldBlocks / length) * BAR_WIDTH)
  const percent = Math.floor((heldBlocks / length) * 100)
  return `${'█'.repeat(full)}${'░'.repeat(BAR_WIDTH - full)} ${String(percent).padStart(3)} %`
}

function isComplete({ heldBlocks, length }: NewsletterStatus): boolean {
  return length > 0 && heldBlocks >= length
}

// The one thing that matters most now.
function advice(found: Status): string | undefined {
  const { via, online, limits, newsletters, problem, dataDir } = found
  if (problem?.code === 'DISK_FULL') {
    return `Free some space on the disk of ${dataDir}. A stopped daemon restarts within a minute.`
  }
  if (newsletters.length === 0) {
    return 'Run `hyperletter subscribe <link>` to read a newsletter, or `hyperletter create <title>` to write one.'
  }
  if (via === 'engine') return 'Run `hyperletter daemon start` to fetch and serve newsletters.'
  if (limits?.pause === true) {
    return 'Paused. `pause = false` in the settings file, or the page Seeding, ends that.'
  }
  if (!online) {
    return 'The daemon is offline. Check the connection; `hyperletter doctor` looks for the cause.'
  }
  const lonely = newsletters.find(
    (it) => !isComplete(it) && it.peers === 0 && !it.mirrors?.some(({ state }) => state === 'good'),
  )
  if (lonely !== undefined) {
    return `No connected peer has the rest of ${nameOf(lonely)}. The daemon fetches it when one appears.`
  }
  const loading = newsletters.find((it) => !isComplete(it))
  if (loading !== undefined) return `The daemon is fetching ${nameOf(loading)}.`
  return undefined
}

/** Whether others hold every block of a newsletter between them. */
export function isSafe({ newestCopies, olderCopies }: NewsletterStatus): boolean {
  return newestCopies > 0 && olderCopies > 0
}

function isAuthored({ roles, issues }: NewsletterStatus): boolean {
  return roles.includes('author') && issues > 0
}

/** The answer to what an author asks: may I close the laptop? Empty for newsletters of others, and without issues. */
function copiesAnswer(it: NewsletterStatus): string {
  const { issues, newestCopies, olderCopies } = it
  if (!isAuthored(it)) return ''
  const newest = `issue ${issues} of ${nameOf(it)}`
  if (isSafe(it)) {
    const others = plural(newestCopies, 'other')
    const rest = issues > 1 ? `, everything before it by ${olderCopies}` : ''
    return `Safe to go offline: ${newest} is held in full by ${others}${rest}.\n`
  }
  const earlier = issues === 2 ? 'issue 1' : `issues 1 to ${issues - 1}`
  const and = newestCopies > 0 ? 'but' : 'and'
  const rest = issues > 1 ? `, ${and} ${holders(olderCopies, earlier)}` : ''
  return `Stay online: ${holders(newestCopies, newest)}${rest}.\n`
}

async function wrapped(text: string, width: number): Promise<string> {
  if (width === Infinity) return text
  const { wrap } = await import('../../../render/terminal/wrap.ts')
  return wrap(text, width)
}

function holders(copies: number, what: string): string {
  if (copies === 0) return `no one else has ${what} yet`
  return copies === 1 ? `1 other has ${what}` : `${copies} others have ${what}`
}

/** How much of the disk cap is used; close to it, also which issue is removed first. */
function describeDisk({ usedBytes, letterBytes, capBytes, next }: Status['disk']): string {
  const letters = letterBytes ? `, letters ${formatBytes(letterBytes)} of that` : ''
  if (capBytes === undefined) return `${formatBytes(usedBytes)}${letters}, without a cap`
  const used = `${formatBytes(usedBytes)} of ${formatBytes(capBytes)}${letters}`
  return next === undefined || usedBytes < NEARLY_FULL * capBytes
    ? used
    : `${used}; ${describeNext(next)} is removed first`
}

function describeNext({ feedKey, title, number }: NonNullable<Status['disk']['next']>): string {
  const name = nameOf({ feedKey, title })
  return number === undefined ? `the oldest issue of ${name}` : `issue ${number} of ${name}`
}
