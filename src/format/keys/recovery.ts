import { type HyperletterError, invalidInput } from '../../errors.ts'
import { keyPairOf, type SigningKeyPair } from '../crypto.ts'

export type { SigningKeyPair } from '../crypto.ts'

/** All keys of one newsletter. Secret: never log or print any of it but the two public keys. */
export interface NewsletterKeys {
  /** Signs the log. */
  readonly signing: SigningKeyPair
  /** Its public half is in block 0; a device that publishes does not keep its secret half. */
  readonly recovery: SigningKeyPair
  /** 32 bytes, used if the newsletter is private. */
  readonly encryptionKey: Uint8Array
}

/** Words of a phrase: 24 carry 256 bits and a checksum of 8. */
const PHRASE_WORDS = 24
const PHRASE_BITS = 256

/** Far more than 24 words of 8 letters with generous white space: nothing longer is looked at. */
const MAX_TYPED_LENGTH = 4_096

const SEED_BYTES = 32

// The word list and the hash functions take 20 ms to import, and only `create` and `restore` need them.
const bip39 = () => import('@scure/bip39')
const englishWords = async () => (await import('@scure/bip39/wordlists/english.js')).wordlist

/** A new recovery phrase: 24 English BIP-39 words from 256 random bits. Show it once, store it nowhere. */
export async function createRecoveryPhrase(): Promise<string> {
  const { generateMnemonic } = await bip39()
  return generateMnemonic(await englishWords(), PHRASE_BITS)
}

/**
 * The keys that a phrase stands for, always the same. Capitals and extra white space do no harm.
 * Derivation: docs/format.md, "Recovery phrase".
 * @throws INVALID_INPUT naming the first wrong word, the wrong count or the wrong checksum.
 */
export async function deriveKeys(phrase: string): Promise<NewsletterKeys> {
  const { mnemonicToSeedWebcrypto } = await bip39()
  const bip39Seed = await mnemonicToSeedWebcrypto(await checkedPhrase(phrase))

  const { hkdf } = await import('@noble/hashes/hkdf.js')
  const { sha512 } = await import('@noble/hashes/sha2.js')
  const subkey = (use: string) =>
    hkdf(sha512, bip39Seed, undefined, new TextEncoder().encode(`hyperletter/1/${use}`), SEED_BYTES)

  return {
    signing: keyPairOf(subkey('signing')),
    recovery: keyPairOf(subkey('recovery')),
    encryptionKey: subkey('encryption'),
  }
}

async function checkedPhrase(phrase: string): Promise<string> {
  if (phrase.length > MAX_TYPED_LENGTH) {
    throw refused(`a recovery phrase has ${PHRASE_WORDS} words, not so many`)
  }
  const known = await englishWords()
  const words = phrase.normalize('NFKD').toLowerCase().split(/\s+/u).filter(Boolean)
  const wrong = words.findIndex((word) => !known.includes(word))
  if (wrong >= 0) {
    throw refused(
      `${describe(words[wrong])} (word ${wrong + 1}) is not a word of a recovery phrase`,
    )
  }
  if (words.length !== PHRASE_WORDS) {
    throw refused(`a recovery phrase has ${PHRASE_WORDS} words, not ${words.length}`)
  }
  const joined = words.join(' ')
  const { validateMnemonic } = await bip39()
  if (!validateMnemonic(joined, known)) {
    throw refused(
      'these are not the words of one phrase, or not in its order: the checksum is wrong',
    )
  }
  return joined
}

// What was typed may be anything, so only what looks like a word is repeated in a message.
function describe(word: string | undefined): string {
  return word !== undefined && /^[a-z]{1,20}$/.test(word) ? `"${word}"` : 'something'
}

function refused(what: string): HyperletterError {
  return invalidInput(`Not a recovery phrase: ${what}.`, {
    hint: 'Compare each word with what was written down; there are 24, in order.',
  })
}
