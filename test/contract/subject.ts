import type { Address, Config } from '../../src/config/config.ts'
import type { Operations } from '../../src/api/contract/contract.ts'
import { configOf } from '../helpers/engines.ts'
import { checked } from '../helpers/operations.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

/** One way to reach an engine. */
export interface Subject {
  /** What `status` says of it. */
  readonly via: 'engine' | 'daemon'
  /** The operations on the data directory of `config`; all is closed when the running test ends. */
  open(config: Config): Promise<Operations>
}

/** The subject on a new data directory; every result is held against the contract. */
export async function open(
  subject: Subject,
  bootstrap: readonly Address[] = [],
): Promise<Operations> {
  const config = configOf(await temporaryDirectory(), bootstrap)
  return checked(await subject.open(config))
}

/** The same, with a newsletter to publish to. */
export async function openWithNewsletter(
  subject: Subject,
): Promise<{ readonly operations: Operations; readonly feedKey: string; readonly link: string }> {
  const operations = await open(subject)
  const { feedKey, link } = await operations.createNewsletter({ title: 'Tide tables' })
  return { operations, feedKey, link }
}
