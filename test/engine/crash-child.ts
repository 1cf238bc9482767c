/**
 * A process that publishes two issues and dies during the second, as by a power switch.
 * Arguments: the configuration as JSON; the step at which it dies; `private` or `public`.
 */
import type { Config } from '../../src/config/config.ts'
import { Engine } from '../../src/engine/engine.ts'
import { Journal } from '../../src/engine/publish/journal.ts'
import { PublishedNotes } from '../../src/engine/publish/author-files.ts'
import { createLogger } from '../../src/logger.ts'
import { beginNewsletter, issueOf } from '../helpers/newsletters.ts'
import { coreOf } from '../helpers/stores.ts'

const [config = '', step = '', privacy] = process.argv.slice(2)

const engine = await Engine.open({
  config: JSON.parse(config) as Config,
  logger: createLogger('silent'),
})
const { feed } = await beginNewsletter(engine, { isPrivate: privacy === 'private' })
await engine.author.append(feed, [await issueOf('One')])

/** Replaces a method by one that dies instead of it, or just after it. */
function dieIn<K extends string>(
  owner: Record<K, (...args: never[]) => Promise<unknown>>,
  method: K,
  when: 'before' | 'after',
): void {
  const original = owner[method]
  owner[method] = async function (this: unknown, ...args: never[]) {
    if (when === 'after') await original.apply(this, args)
    process.kill(process.pid, 'SIGKILL')
    // The signal may take a moment; nothing else may happen in it.
    return new Promise(() => undefined)
  }
}

const journal = Journal.prototype
switch (step) {
  case 'before the journal':
    dieIn(journal, 'write', 'before')
    break
  case 'after the journal':
    dieIn(coreOf(feed), 'append', 'before')
    break
  case 'after the append':
    dieIn(coreOf(feed), 'append', 'after')
    break
  case 'after the flush':
    dieIn(PublishedNotes.prototype, 'put', 'before')
    break
  case 'after the note':
    dieIn(PublishedNotes.prototype, 'put', 'after')
    break
  case 'after the journal is dropped':
    dieIn(journal, 'drop', 'after')
    break
  default:
    throw new Error(`Unknown step: ${step}`)
}

await engine.author.append(feed, [await issueOf('Two')])
