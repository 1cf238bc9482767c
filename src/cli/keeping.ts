import type { Keep } from '../config/keep.ts'
import type { Output } from '../api/contract/contract.ts'
import { formatBytes, plural, quoteTitle, shortKey } from './terminal/format.ts'

type Disk = Output<'status'>['disk']

/** What is kept of a newsletter, as part of a sentence. */
export function describeKeep({ newest, newerThan, atMostBytes, textOnly }: Keep): string {
  const limits = [
    newest === undefined ? '' : `the newest ${plural(newest, 'issue')}`,
    newerThan === undefined ? '' : `what is newer than ${newerThan}`,
    atMostBytes === undefined ? '' : `at most ${formatBytes(atMostBytes)}`,
    textOnly === true ? 'texts without attachments' : '',
  ].filter((it) => it !== '')
  return limits.length === 0 ? 'everything, as far as the disk cap goes' : limits.join(', and ')
}

/** What others wrote takes on the disk, the cap, and what goes next. */
export function describeDisk({ usedBytes, capBytes, next }: Disk): string {
  const used = `${formatBytes(usedBytes)} of what others wrote and of the store itself`
  if (capBytes === undefined) return `${used}, without a cap`
  const going = next === undefined ? '' : `; the next to go is ${describeNext(next)}`
  return `${used}, of at most ${formatBytes(capBytes)}${going}`
}

function describeNext({ feedKey, title, number }: NonNullable<Disk['next']>): string {
  const name = title === undefined ? shortKey(feedKey) : quoteTitle(title)
  return number === undefined ? `the oldest of ${name}` : `issue ${number} of ${name}`
}
