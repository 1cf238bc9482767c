import type { Work } from '../work.ts'
import type { Engine } from '../../engine/engine.ts'
import { ifCode, invalidInput } from '../../errors.ts'
import { invalidLog } from '../../format/log-files/layout.ts'
import { MAX_MIRRORS } from '../../format/records/bodies.ts'
import { mirrorUrl } from '../../format/records/text.ts'
import { defined } from '../../defined.ts'
import { changeProfile, profileOf } from '../writing/editing.ts'
import { followLink, folderOf } from './followed-links.ts'

/**
 * Adds or removes addresses of web servers with the log of a newsletter, or says which there are. Those of an own
 * newsletter are signed: all its readers use them.
 * @throws INVALID_LOG, FEED_CONFLICT or NOT_AVAILABLE if what is added has no such log, and is not added; INVALID_INPUT.
 */
export const setMirrors: Work<'setMirrors'> = async (
  engine,
  { newsletter, add, remove },
  { signal } = {},
) => {
  const entry = engine.library.resolve(newsletter)
  const { feedKey, title } = entry
  await using session = await engine.open(entry)
  const { feed } = session
  const isOwn = entry.roles.includes('author')
  const current = isOwn
    ? ((await feed.profile({ wait: false })).mirrors ?? [])
    : (entry.mirrors ?? [])
  let next = current
  let added: string | undefined
  if (remove !== undefined) {
    const address = current.find(
      (it) => it === remove || it === new URL('log/', folderOf(remove)).href,
    )
    if (address === undefined) {
      throw invalidInput(`${remove} is none of its mirrors here.`, {
        hint: '`hyperletter mirror list <newsletter>` shows them. Those that its author named stay.',
      })
    }
    next = current.filter((it) => it !== address)
  }
  if (add !== undefined) {
    const found = await followLink(add, signal)
    if (found.mirror === undefined) throw invalidInput('A mirror is a web address: https://…')
    if (found.feedKey !== feedKey)
      throw invalidLog(`They are of another newsletter, ${found.feedKey}.`)
    added = found.mirror
    next = [...current.filter((it) => it !== added), added]
  }
  if (next.length > MAX_MIRRORS) throw invalidInput(`At most ${MAX_MIRRORS} mirrors are possible.`)
  if (added !== undefined && !isOwn) {
    // Others may be of use later, and their state says how they are now.
    await engine.mirrors
      .fetch(feed, added, true, signal)
      .catch(ifCode(undefined, 'FEED_BEHIND', 'NOT_AVAILABLE'))
  }
  if (next !== current) {
    if (isOwn) await sign(engine, feed, next, signal)
    else await engine.library.update(feedKey, { mirrors: next })
    await engine.flush()
  }
  const after = engine.library.get(feedKey) ?? entry
  return {
    feedKey,
    ...defined({ title }),
    signed: isOwn,
    mirrors: await engine.mirrors.list(after),
  }
}

async function sign(
  engine: Engine,
  feed: Awaited<ReturnType<Engine['open']>>['feed'],
  mirrors: readonly string[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const wrong = mirrors.find((it) => !mirrorUrl.safeParse(it, { jitless: true }).success)
  if (wrong !== undefined) throw invalidInput(`Readers are sent to https addresses only: ${wrong}`)
  const changed = { ...(await profileOf(feed)), mirrors: [...mirrors] }
  await changeProfile(engine, feed, changed, { signal })
}
