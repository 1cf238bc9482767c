/** Letters of other alphabets that look like Latin ones, and Latin ones that look like each other, in small letters. */
const TWINS =
  'аa еe оo рp сc уy хx ѕs іi јj һh ԁd ԛq ԝw ɡg ӏl вb кk мm нh тt αa βb εe ηn ιi κk νv οo ρp τt υu χx ωw 0o 1l |l ıi ßb'
const TWIN = new Map(
  TWINS.split(' ').map((pair): [string, string] => [pair.slice(0, -1), pair.slice(-1)]),
)

/**
 * What two names have in common that look alike: without case, marks, white space, invisible characters and the alphabet
 * that a letter is of. To compare, not to show.
 */
export function skeletonOf(name: string): string {
  const plain = name.normalize('NFKD').toLowerCase()
  const letters = plain.replaceAll(/[\p{M}\p{C}\p{Z}\p{P}\p{S}\u115f\u1160\u3164]/gu, '')
  return Array.from(letters, (it) => TWIN.get(it) ?? it)
    .join('')
    .replaceAll('rn', 'm')
    .replaceAll('vv', 'w')
    .replaceAll('i', 'l')
}
