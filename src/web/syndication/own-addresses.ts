import type { Newsletter } from '../../site/pages/parts.ts'
import { Secrets } from '../secrets.ts'
import { loadState } from '../state.ts'
import { feedAddresses, type AllAddresses } from '../../site/syndication/addresses.ts'

/** The feed addresses of the reader of a data directory, with the secrets it keeps there. */
export async function readerAddresses(
  dataDir: string,
  origin: string,
  newsletters: readonly Newsletter[],
): Promise<AllAddresses> {
  const { secret } = await loadState(dataDir, Number(new URL(origin).port))
  return feedAddresses(origin, new Secrets(secret), newsletters)
}
