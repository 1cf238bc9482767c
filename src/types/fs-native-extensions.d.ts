declare module 'fs-native-extensions' {
  /** Locks a whole open file for this description of it alone. False where somebody else has a lock. */
  export function tryLock(fd: number): boolean
}
