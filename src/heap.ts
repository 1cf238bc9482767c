import v8 from 'node:v8'

/** 0 lets V8 decide, which leaves much garbage where it is cheaper to. */
let percent = 0

/**
 * Lets the heap of this process grow by so many percent at most before it is tidied up.
 * @returns what makes it as it was before.
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
