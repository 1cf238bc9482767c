import type { Operations, Output } from '../../../api/contract/contract.ts'
import { HyperletterError } from '../../../errors.ts'
import { singleLine } from '../../../render/plain.ts'
import { type Context, withOperations } from '../../context.ts'
import { ask, canAsk } from '../../input.ts'
import { plural } from '../../terminal/format.ts'
import { Progress } from '../../terminal/progress.ts'
import {
  importReport,
  isKnown,
  rehearsalReport,
  warningLine,
  type Outcome,
} from './import-report.ts'

interface Options {
  readonly dryRun?: boolean | undefined
  readonly yes?: boolean | undefined
}

/** Begins the import, or a rehearsal of it. */
type Start = (
  operations: Operations,
  given: { readonly dryRun?: true },
) => AsyncIterable<Output<'importFolder'>>

const FOR_EVER = 'A published issue cannot be withdrawn from everybody.'

/** Longer lists are shown in short. */
const MANY = 20

/** Runs an import and shows what came of it; on a terminal, it shows what would be signed first, and asks. */
export async function runImport(
  context: Context,
  { dryRun = false, yes = false }: Options,
  start: Start,
): Promise<number | void> {
  const { out } = context
  const isAsked = canAsk(context) && out.isTerminal && !yes && !dryRun
  const outcome = await withOperations(context, async (operations) => {
    if (isAsked && !(await isConfirmed(context, operations, start))) return undefined
    return follow(context, start(operations, dryRun ? { dryRun } : {}), dryRun)
  })
  if (outcome === undefined) {
    await out.note('Nothing was published.')
    return 1
  }
  const { finished, planned, amended, skipped, warnings } = outcome
  const { feedKey, title, published } = finished
  const lists = { ...(dryRun && { planned }), ...(amended.length > 0 && { amended }) }
  await out.result({ feedKey, published, skipped, title, warnings, ...lists }, () =>
    dryRun ? rehearsalReport(context, outcome) : importReport(context, outcome),
  )
  if (!dryRun) await tellWarnings(context, warnings)
  const many = Math.max(skipped.length, dryRun ? warnings.length : 0)
  if (many > MANY) await out.next('Run with --json to list every file.')
  await tellChanged(context, skipped)
  if (dryRun && planned.length > 0) {
    await out.next(`Run it without --dry-run to publish. ${FOR_EVER}`)
  }
  if (published + planned.length + amended.length + skipped.length === 0) {
    await out.next('There was nothing to publish. Check the folder, or --match.')
  }
}

async function isConfirmed(
  context: Context,
  operations: Operations,
  start: Start,
): Promise<boolean> {
  const { io, out } = context
  const outcome = await follow(context, start(operations, { dryRun: true }), true)
  const { planned } = outcome
  if (planned.length === 0) return true
  await out.text(await rehearsalReport(context, outcome))
  await out.note(FOR_EVER)
  const answer = await ask(io, `Publish ${plural(planned.length, 'issue')}? (yes/no) `)
  return /^y(?:es)?$/i.test(answer ?? '')
}

async function follow(
  context: Context,
  events: AsyncIterable<Output<'importFolder'>>,
  dryRun: boolean,
): Promise<Outcome> {
  using progress = new Progress(context, dryRun ? 'reading' : 'importing')
  const lists = {
    planned: [] as Outcome['planned'][number][],
    amended: [] as Outcome['amended'][number][],
    skipped: [] as Outcome['skipped'][number][],
    warning: [] as Outcome['warnings'][number][],
  }
  let finished: Outcome['finished'] | undefined
  for await (const found of events) {
    const { event: _event, ...it } = found
    if (found.event === 'progress')
      progress.update({ done: found.done, total: found.total, note: singleLine(found.file) })
    else if (found.event === 'finished') finished = it as Outcome['finished']
    else lists[found.event].push(it as never)
  }
  if (finished === undefined) {
    throw new HyperletterError('INTERNAL', 'The import ended without saying how.')
  }
  const { warning: warnings, skipped, ...others } = lists
  const order = (it: Outcome['skipped'][number]) => (it.other === true ? 2 : isKnown(it) ? 1 : 0)
  return {
    finished,
    ...others,
    skipped: skipped.toSorted((a, b) => order(a) - order(b)),
    warnings,
  }
}

async function tellChanged({ out }: Context, skipped: Outcome['skipped']): Promise<void> {
  const changed = skipped.filter((it) => isKnown(it) && it.message.includes('changed since'))
  if (changed.length === 0) return
  await out.next(`Run with --amend to publish what changed in ${plural(changed.length, 'file')}.`)
}

async function tellWarnings({ out, options }: Context, warnings: Outcome['warnings']) {
  if (warnings.length === 0) return
  if (options.verbose === true) {
    for (const it of warnings) await out.warn(warningLine(it))
    return
  }
  const files = new Set(warnings.map(({ file }) => file)).size
  const many = `${plural(warnings.length, 'warning')} in ${plural(files, 'file')}`
  await out.warn(`${many}; list them with --verbose or --json.`)
}
