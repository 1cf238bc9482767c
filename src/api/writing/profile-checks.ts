import { HyperletterError } from '../../errors.ts'
import type { Support } from '../../format/records/bodies.ts'
import { describeSupport } from '../../format/support.ts'

/** Refuses payment addresses that no reader would be shown. @throws INVALID_INPUT */
export function assertPayable(support: readonly Support[] = []): void {
  for (const it of support) {
    const { problem } = describeSupport(it)
    if (problem === undefined) continue
    const shown = it.uri.slice(0, 80)
    if (problem === 'wrong') {
      throw new HyperletterError(
        'INVALID_INPUT',
        `A character of "${shown}" is wrong or missing.`,
        {
          hint: 'Copy the address again from the wallet or account that it belongs to.',
        },
      )
    }
    throw new HyperletterError(
      'INVALID_INPUT',
      `"${shown}" is no payment address that readers know.`,
      {
        hint: 'Use bitcoin:…, lightning:…, monero:…, payto://iban/… or https://….',
      },
    )
  }
}

/** Refuses domains of a private newsletter, which would tell everybody its feed key. @throws INVALID_INPUT */
export function assertNameable(names: readonly string[] = [], isPrivate: boolean): void {
  if (names.length === 0 || !isPrivate) return
  throw new HyperletterError('INVALID_INPUT', 'A private newsletter has no domain.', {
    hint: 'Its feed key would be public there. Give its link to the people who may read it.',
  })
}
