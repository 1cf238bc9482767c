import type { Address } from '../../src/config/config.ts'
import type { Engine } from '../../src/engine/engine.ts'
import type { Operations, Output } from '../../src/api/contract/contract.ts'
import { defined } from '../../src/defined.ts'
import { bindOperations } from '../../src/api/operations.ts'
import { openEngine } from './engines.ts'
import { issueOf } from './newsletters.ts'
import { all, only, single } from './operations.ts'

type Published = Extract<Output<'publishIssue'>, { event: 'published' }>

/** Somebody else on the same network. */
export interface Peer {
  readonly engine: Engine
  readonly operations: Operations
}

/** An engine in this process that goes online at once, if it should, and closes when the running test ends. */
export async function openPeer(
  bootstrap: readonly Address[],
  { isOnline = true }: { isOnline?: boolean } = {},
): Promise<Peer> {
  const engine = await openEngine({ bootstrap })
  if (isOnline) await engine.network()
  return { engine, operations: bindOperations(engine, 'engine') }
}

/** Publishes Markdown text. */
export async function publish(
  operations: Operations,
  markdown: string,
  newsletter?: string,
  folder?: string,
): Promise<Published> {
  const draft = { markdown, ...defined({ folder }) }
  const events = await all(operations.publishIssue({ ...defined({ newsletter }), draft }))
  return single(only(events, 'published'))
}

/** A longer archive is appended at once. */
const PUBLISHED_ONE_BY_ONE = 10

/** A peer with a newsletter of `issues` issues, announced if it is online. */
export async function openAuthor(
  bootstrap: readonly Address[],
  options: { issues?: number; isPrivate?: boolean; isOnline?: boolean } = {},
): Promise<Peer & { readonly feedKey: string; readonly link: string }> {
  const { issues = 0, isPrivate = false } = options
  const peer = await openPeer(bootstrap, options)
  const { feedKey, link } = await peer.operations.createNewsletter({
    title: 'Tide tables',
    private: isPrivate,
  })
  const textOf = (number: number) => `# Issue ${number}\n\nHigh water at ${number} o'clock.\n`
  const atOnce = issues > PUBLISHED_ONE_BY_ONE ? issues : 0
  if (atOnce > 0) {
    await using session = await peer.engine.open(peer.engine.library.resolve(feedKey))
    const numbers = Array.from({ length: atOnce }, (_, i) => i + 1)
    const composed = numbers.map((it) => issueOf(`Issue ${it}`, textOf(it)))
    await peer.engine.author.append(session.feed, await Promise.all(composed))
  }
  for (let number = atOnce + 1; number <= issues; number++)
    await publish(peer.operations, textOf(number))
  return { ...peer, feedKey, link }
}

/**
 * Publishes again and again until something has come of it. For what begins without saying so, such
 * as a watch: only what is published after that is seen.
 */
export async function publishUntil<T>(
  event: Promise<T>,
  operations: Operations,
  markdown: string,
): Promise<T> {
  const settled = new AbortController()
  const settle = () => settled.abort()
  event.then(settle, settle)
  while (!settled.signal.aborted) await publish(operations, markdown)
  return event
}
