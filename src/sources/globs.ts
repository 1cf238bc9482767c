/** Longer lists in braces are taken as they stand. */
const MAX_ALTERNATIVES = 256

/**
 * True if a relative path (`/` between segments) matches a glob: `*` and `?` inside of a segment,
 * `**` for any number of segments, `{a,b}` for one of several, `!` in front for all others. A glob without `/` is
 * tried on the file name alone.
 * Takes time in proportion to path × glob, whatever the glob: it does not become a regular expression.
 */
export function matchesGlob(path: string, glob: string): boolean {
  if (glob.startsWith('!')) return !matchesGlob(path, glob.slice(1))
  return alternatives(glob).some((it) => matchesPattern(path, it))
}

function alternatives(glob: string): string[] {
  let found = [glob]
  for (let next = found; next.length > 0 && next.length <= MAX_ALTERNATIVES;) {
    found = next
    if (!found.some((it) => BRACES.test(it))) break
    next = found.flatMap((it) => {
      const [whole, list = ''] = BRACES.exec(it) ?? []
      return whole === undefined
        ? [it]
        : list.split(',').map((word) => it.replace(BRACES, () => word))
    })
  }
  return found
}

const BRACES = /\{([^{}]*)\}/

function matchesPattern(path: string, glob: string): boolean {
  const segments = path.split('/')
  const wanted = glob.replace(/^(?:\.?\/)+/, '').split('/')
  return wanted.length === 1 && wanted[0] !== '**'
    ? matchesSegment(segments.at(-1) ?? '', wanted[0] ?? '')
    : matchesAll(segments, wanted, (segment, pattern) => matchesSegment(segment, pattern), '**')
}

function matchesSegment(segment: string, pattern: string): boolean {
  return matchesAll(
    Array.from(segment),
    Array.from(pattern),
    (it, wanted) => wanted === '?' || it === wanted,
    '*',
  )
}

// Only the last star needs to be tried again: an earlier one that took more leaves no more to match.
function matchesAll(
  items: readonly string[],
  pattern: readonly string[],
  matches: (item: string, wanted: string) => boolean,
  star: string,
): boolean {
  let at = 0
  let next = 0
  let lastStar = -1
  let retryFrom = 0
  while (at < items.length) {
    const wanted = pattern[next]
    if (wanted === star) {
      lastStar = next++
      retryFrom = at
    } else if (wanted !== undefined && matches(items[at] ?? '', wanted)) {
      at++
      next++
    } else if (lastStar >= 0) {
      next = lastStar + 1
      at = ++retryFrom
    } else return false
  }
  while (pattern[next] === star) next++
  return next === pattern.length
}
