import type { Input, Operations, Output } from '../../../api/contract/contract.ts'
import { defined } from '../../../defined.ts'
import { hasCode, HyperletterError } from '../../../errors.ts'
import { ANY_NEWSLETTER } from '../../command.ts'
import { type Commands, type Context, noteSuccessors, withOperations } from '../../context.ts'
import { nameOf, plural } from '../../terminal/format.ts'
import { Progress } from '../../terminal/progress.ts'

type Newsletter = Output<'listNewsletters'>[number]
type Progressed = Output<'followSync'>

export const commands: Commands = {
  fetch: (command, bind) =>
    command
      .more('For scripts and cron: asks peers once, and ends with 3 if some could not be had.')
      .describeArgument('newsletter', `only this newsletter: ${ANY_NEWSLETTER}`)
      .timeout('give up a newsletter of which nothing arrives')
      .details('In a crontab, every morning at seven: 0 7 * * * hyperletter fetch --quiet')
      .examples('hyperletter fetch', 'hyperletter fetch "Tide Tables" --timeout 10 --json')
      .action(bind(fetchNew)),
}

async function fetchNew(
  context: Context,
  reference: string | undefined,
  { timeout }: { readonly timeout?: number },
): Promise<void> {
  const { io, out } = context
  const { before, after, failures } = await withOperations(
    context,
    async (operations) => {
      const list = async () => {
        const all = await operations.listNewsletters({}, { signal: io.signal })
        return all.filter((it) => it.roles.includes('subscriber'))
      }
      const known = await list()
      const wanted = reference === undefined ? known : [await meant(known, reference)]
      const input = { refresh: true, ...defined({ timeoutSeconds: timeout }) }
      const failed = await fetchAll(context, operations, wanted, input)
      return { before: wanted, after: await list(), failures: failed }
    },
    { lend: true, online: true },
  )
  const newsletters = before.map((it) => {
    const { feedKey, title, issues } = after.find(({ feedKey: key }) => key === it.feedKey) ?? it
    const { code, message } = failures.get(feedKey) ?? {}
    const error = code === undefined ? undefined : { code, message }
    return { feedKey, ...defined({ title, error }), issues, newIssues: issues - it.issues }
  })
  const fresh = newsletters.filter((it) => it.newIssues > 0)
  await out.result({ newsletters }, () =>
    fresh.map((it) => `${nameOf(it)}: ${plural(it.newIssues, 'new issue')}.\n`).join(''),
  )
  await noteSuccessors(context, after)
  if (failures.size > 0) throw incomplete(before, failures)
  if (fresh.length === 0) await out.note('Nothing new.')
}

async function meant(known: readonly Newsletter[], reference: string): Promise<Newsletter> {
  const { resolveEntry } = await import('../../../engine/library/entry.ts')
  return resolveEntry(known, reference)
}

/**
 * Downloads what is missing of newsletters. All at once: one that nobody has now must not keep the others waiting.
 * @returns why some are not complete, by feed key.
 */
export async function fetchAll(
  context: Context,
  operations: Operations,
  wanted: readonly { readonly feedKey: string }[],
  options: Omit<Input<'followSync'>, 'newsletter'> = {},
): Promise<Map<string, HyperletterError>> {
  using progress = new Progress(context, 'looking for peers')
  const { signal } = context.io
  const states = new Map<string, Progressed>()
  const failures = new Map<string, HyperletterError>()
  await Promise.all(
    wanted.map(async ({ feedKey }) => {
      try {
        const events = operations.followSync({ newsletter: feedKey, ...options }, { signal })
        for await (const event of events) {
          states.set(feedKey, event)
          progress.update(sum([...states.values()]))
        }
      } catch (error) {
        signal.throwIfAborted()
        failures.set(feedKey, HyperletterError.from(error))
      }
    }),
  )
  return failures
}

function sum(states: readonly Progressed[]) {
  const done = states.reduce((all, it) => all + it.heldBlocks, 0)
  const total = states.reduce((all, it) => all + it.length, 0)
  return { done, total, ...(total === 0 ? {} : { label: 'fetching blocks' }) }
}

/** One error for all: of the first failure that another try does not mend, or else of the first. */
function incomplete(
  wanted: readonly Newsletter[],
  failures: ReadonlyMap<string, HyperletterError>,
): HyperletterError {
  const all = [...failures.values()]
  const cause = all.find((it) => !hasCode(it, 'NOT_AVAILABLE', 'TIMEOUT')) ?? all[0]
  const names = wanted.filter((it) => failures.has(it.feedKey)).map(nameOf)
  const shown = names.length > 3 ? [...names.slice(0, 3), `${names.length - 3} more`] : names
  const message = `Not complete: ${shown.join(', ')}. ${cause?.message ?? ''}`.trim()
  return new HyperletterError(
    cause?.code ?? 'INTERNAL',
    message,
    defined({ hint: cause?.hint, cause }),
  )
}
