/**
 * Who of several readers fetches a block from the source: whoever weighs most for it (rendezvous
 * hashing, Thaler and Ravishankar 1998). All readers that know of each other agree without a word, and
 * when one comes or goes only its share moves.
 */

/** A number for a public key, the same with everybody. */
export function seedOf(publicKey: Uint8Array): number {
  let seed = 0x811c9dc5
  for (const byte of publicKey) seed = Math.imul(seed ^ byte, 0x01000193)
  return seed >>> 0
}

/** How much a reader weighs for a block: evenly spread over 32 bits. */
export function weigh(seed: number, index: number): number {
  // The finalizer of MurmurHash3.
  let hash = Math.imul(index + 0x9e3779b9, 0x85ebca6b) ^ seed
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
