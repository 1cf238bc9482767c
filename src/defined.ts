/** `T`, its properties that may be undefined made optional. */
export type Defined<T> = {
  [K in keyof T as undefined extends T[K] ? never : K]: T[K]
} & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>
}

/** The properties of `from` that have a value. Spread it where an absent property and one of undefined differ. */
export function defined<T extends object>(from: T): Defined<T> {
  const kept: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(from)) if (value !== undefined) kept[name] = value
  return kept as Defined<T>
}
