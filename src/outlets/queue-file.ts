import { readFile, rm } from 'node:fs/promises'
import { SerialQueue } from '../async.ts'
import { replaceWhole } from '../atomic-file.ts'
import { codeOf } from '../errors.ts'
import type { OutletEvent, ArrivedIssue } from './outlet.ts'
import type { QueueContent } from './queue-content.ts'

export interface Delivery {
  readonly issue: OutletEvent
  /** When it arrived, in milliseconds since 1970. */
  readonly arrivedAt: number
}

/** How far the issues and corrections of a newsletter were queued. */
export interface Newest {
  /** Of the newest issue. */
  readonly number: number
  /** Index of the newest block that is about an issue; absent where an earlier version did not keep it. */
  readonly block: number | undefined
}

/** Numbers that may be missing for long: a record that nobody has any more must not hold up all that follow. */
const MAX_GAP = 100

/**
 * How far issues are queued after these. Of records that arrive out of order, what is behind a gap counts only once that is
 * closed: until then, the next start gives it again.
 */
export function newestOf(issues: readonly ArrivedIssue[], before: Newest | undefined): Newest {
  const numbers = new Set(issues.map((it) => it.number))
  const top = Math.max(before?.number ?? 0, ...numbers)
  let number = before?.number ?? top
  while (numbers.has(number + 1)) number++
  if (top - number > MAX_GAP) number = top
  const blocks = issues.flatMap((it) => it.newestBlock ?? [])
  const isBehind = number < top || blocks.length === 0
  return { number, block: isBehind ? before?.block : Math.max(before?.block ?? 0, ...blocks) }
}

/** The issue if it is newer than what was queued, or a correction of it that is. */
export function missedSince(
  { number, block = Infinity }: Newest,
  issue: ArrivedIssue,
): ArrivedIssue[] {
  if (issue.number > number) return [issue]
  return (issue.newestBlock ?? 0) > block ? [{ ...issue, event: 'corrected' }] : []
}

/** A thousand issues with the longest titles and summaries take less. */
const MAX_FILE_BYTES = 16 * 1024 * 1024

interface Queue {
  readonly deliveries: readonly Delivery[]
  /** By feed key. */
  readonly newest: ReadonlyMap<string, Newest>
}

export const NOTHING: Queue = { deliveries: [], newest: new Map() }

/** An outlet that is off catches up with nothing once it is on again; what waits in its queue file stays. */
export async function forgetNewest(queueFile: string): Promise<undefined> {
  const file = new QueueFile(queueFile, () => undefined)
  const { deliveries, newest } = await file.load()
  if (newest.size > 0) file.save(() => ({ ...NOTHING, deliveries }))
  await file.saved()
}

/** Undelivered issues in a file for this user alone, so that they outlive a restart. */
export class QueueFile {
  readonly #path: string
  readonly #onProblem: (error: unknown) => void
  readonly #writes = new SerialQueue()
  #mustWrite = false
  #isOnDisk = false

  /** @param onProblem called where the file cannot be read or written; the outlet goes on without it. */
  constructor(path: string, onProblem: (error: unknown) => void) {
    this.#path = path
    this.#onProblem = onProblem
  }

  /** Empty where there is no file, or a damaged one. */
  async load(): Promise<Queue> {
    try {
      const bytes = await readFile(this.#path)
      this.#isOnDisk = true
      if (bytes.byteLength > MAX_FILE_BYTES) throw new Error('The file is too large.')
      // Most devices have no such file, and these schemas take 0.7 MB of memory.
      const { queueContent } = await import('./queue-content.ts')
      const { deliveries, newest, newestBlocks } = queueContent.parse(JSON.parse(bytes.toString()))
      const known = Object.entries(newest).map(
        ([key, number]) => [key, { number, block: newestBlocks[key] }] as const,
      )
      return { deliveries, newest: new Map(known) }
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') this.#onProblem(error)
      return NOTHING
    }
  }

  /** @param current is read when its turn has come: what was asked for in between is one write. */
  save(current: () => Queue): void {
    if (this.#mustWrite) return
    this.#mustWrite = true
    void this.#writes.run(async () => {
      this.#mustWrite = false
      await this.#write(current()).catch(this.#onProblem)
    })
  }

  /** Resolves when everything is on disk, as far as it can be. */
  saved(): Promise<void> {
    return this.#writes.idle()
  }

  async #write({ deliveries, newest }: Queue): Promise<void> {
    if (deliveries.length > 0 || newest.size > 0) {
      const text: QueueContent = {
        deliveries: [...deliveries],
        newest: Object.fromEntries([...newest].map(([key, it]) => [key, it.number])),
        newestBlocks: Object.fromEntries([...newest].map(([key, it]) => [key, it.block])),
      }
      await replaceWhole(this.#path, [Buffer.from(JSON.stringify(text))])
      this.#isOnDisk = true
    } else if (this.#isOnDisk) {
      await rm(this.#path, { force: true })
      this.#isOnDisk = false
    }
  }
}
