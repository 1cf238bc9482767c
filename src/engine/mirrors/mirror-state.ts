import type { ErrorCode } from '../../errors.ts'

/** How it went the last time that a mirror was asked. */
export type MirrorState =
  | 'not-asked'
  | 'good'
  /** It has an older log than this device knows. */
  | 'behind'
  /** What it sent is not what the author signed, or another newsletter. */
  | 'wrong'
  /** It has another history of the newsletter. */
  | 'conflict'
  /** Its address may not be asked. */
  | 'refused'
  | 'unreachable'

export interface Known {
  state: MirrorState
  length?: number
  checkedAt?: number
  message?: string
  failures: number
  notBefore: number
  downloadedBytes: number
}

/** After a failure; unreachable after any other. */
export const STATE_AFTER: Partial<Record<ErrorCode, MirrorState>> = {
  FEED_BEHIND: 'behind',
  INVALID_LOG: 'wrong',
  INVALID_BUNDLE: 'wrong',
  FEED_CONFLICT: 'conflict',
  INVALID_INPUT: 'refused',
}
