import v8 from 'node:v8'

/** 0 lets V8 decide, which leaves much garbage where it is cheaper to. */
let percent = 0

/**
 * Limits how far the heap of this process may grow before V8 collects garbage.
 * @param most Percent of what the last collection left; 0 lets V8 decide.
 * @returns a function that restores the limit of before.
 */
export function growHeapBy(most: number): () => void {
  const before = percent
  const set = (it: number) => {
    percent = it
    v8.setFlagsFromString(`--heap-growing-percent=${it}`)
  }
  set(most)
  return () => set(before)
}
