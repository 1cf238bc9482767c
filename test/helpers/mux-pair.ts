import { duplexPair } from 'node:stream'
import SecretStream from '@hyperswarm/secret-stream'
import crypto, { type KeyPair } from 'hypercore-crypto'
import Protomux from 'protomux'
import { onTestFinished } from 'vitest'

/** Both ends of one encrypted connection in memory, each by the multiplexer on it; it ends with the running test. */
export async function muxPair(
  keyPair: KeyPair = crypto.keyPair(),
): Promise<readonly [Protomux, Protomux]> {
  const [near, far] = duplexPair()
  const ends = [
    new SecretStream(true, near, { keyPair }),
    new SecretStream(false, far, { keyPair: crypto.keyPair() }),
  ] as const
  for (const end of ends) end.on('error', () => undefined)
  onTestFinished(() => {
    for (const end of ends) end.destroy()
  })
  await Promise.all(ends.map((it) => it.opened))
  return [Protomux.from(ends[0]), Protomux.from(ends[1])]
}
