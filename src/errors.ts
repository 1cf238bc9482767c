/** What follows from a code: the exit code of a command, the HTTP status on the socket, and the usual next step. */
interface Consequences {
  readonly exitCode: 1 | 2 | 3 | 130
  readonly httpStatus: number
  readonly hint?: string
}

/**
 * Every failure that Hyperletter reports, by code. Codes are stable: scripts match on them.
 * Exit codes: 1 failed, 2 wrong usage, 3 not available now (worth retrying), 130 interrupted.
 */
export const ERROR_CODES = {
  /** The input is not valid. */
  INVALID_INPUT: { exitCode: 2, httpStatus: 400 },
  /** The draft cannot be published as it is. */
  INVALID_DRAFT: { exitCode: 1, httpStatus: 422 },
  /** Not a feed key or Hyperletter link. */
  INVALID_LINK: {
    exitCode: 2,
    httpStatus: 400,
    hint: 'A link looks like hyperletter:// followed by 52 characters; ask the author to send it again.',
  },
  /** A block of the log is not a valid record. */
  INVALID_RECORD: {
    exitCode: 1,
    httpStatus: 422,
    hint: 'The author published something this version cannot accept; earlier issues stay readable.',
  },
  /** Not a bundle, or not one as its author signed it. */
  INVALID_BUNDLE: {
    exitCode: 1,
    httpStatus: 422,
    hint: 'Nothing was changed. Get the file again, or from another source.',
  },
  /** Not the log files of a newsletter, or not as its author signed them. */
  INVALID_LOG: {
    exitCode: 1,
    httpStatus: 422,
    hint: 'Nothing was changed. Use another mirror, or a peer.',
  },
  /** Not a statement that the newsletter continues elsewhere, or not one that counts. */
  INVALID_STATEMENT: {
    exitCode: 1,
    httpStatus: 422,
    hint: 'Nothing was changed. Ask the author through a channel you trust where the newsletter continues.',
  },
  /** No such newsletter in the library. */
  NEWSLETTER_NOT_FOUND: {
    exitCode: 1,
    httpStatus: 404,
    hint: 'Run `hyperletter list` to see what is here, or `hyperletter subscribe <link>` to add one.',
  },
  /** This device does not hold the signing key of the newsletter. */
  NOT_AUTHOR: {
    exitCode: 1,
    httpStatus: 403,
    hint: 'Run `hyperletter list` and publish to a newsletter with the role "author".',
  },
  /** Two histories exist under one feed key. */
  FEED_CONFLICT: {
    exitCode: 1,
    httpStatus: 409,
    hint: 'Downloaded issues stay readable. Ask the author which history is the right one.',
  },
  /** This copy of the log is older than what was published. */
  FEED_BEHIND: {
    exitCode: 3,
    httpStatus: 409,
    hint: 'Let this device fetch the missing issues from peers before you publish.',
  },
  /** No such issue. */
  ISSUE_NOT_FOUND: {
    exitCode: 1,
    httpStatus: 404,
    hint: 'Run `hyperletter issues <newsletter>` to see the numbers.',
  },
  /** No reachable peer has it now. */
  NOT_AVAILABLE: {
    exitCode: 3,
    httpStatus: 503,
    hint: 'Try again later, or run `hyperletter daemon start`: it fetches the issues when a peer appears.',
  },
  /** The newsletter is private and the encryption key is missing or wrong. */
  NEEDS_KEY: {
    exitCode: 1,
    httpStatus: 403,
    hint: 'Ask the author for the full link: the part after # is the key to read it.',
  },
  /** Larger than the format allows. */
  TOO_LARGE: { exitCode: 1, httpStatus: 413 },
  /** No space is left on the disk. */
  DISK_FULL: {
    exitCode: 1,
    httpStatus: 507,
    hint: 'Free some space and run the command again; what was acknowledged before is safe.',
  },
  /** The disk takes no writes. */
  READ_ONLY: {
    exitCode: 1,
    httpStatus: 507,
    hint: 'What is stored can be read. To write, mount the disk writable or choose another directory with --data-dir.',
  },
  /** The disk fails to read or write. */
  DISK_FAILED: {
    exitCode: 1,
    httpStatus: 500,
    hint: 'Copy the data directory to another disk while it can be read, and run `hyperletter --data-dir <copy> doctor --repair`.',
  },
  /** A file of the store is damaged. */
  STORE_DAMAGED: {
    exitCode: 1,
    httpStatus: 500,
    hint: 'Run `hyperletter doctor --repair`: it makes a new store of what can be read, the list of what you follow, your keys, and peers.',
  },
  /** The list of your newsletters, or your marks, cannot be read from the store. */
  LIBRARY_DAMAGED: {
    exitCode: 1,
    httpStatus: 500,
    hint: 'Run `hyperletter doctor --repair`: it takes them from the copy outside the store.',
  },
  /** The file of a signing key is damaged. */
  KEY_DAMAGED: {
    exitCode: 1,
    httpStatus: 500,
    hint: 'The newsletter can be read and is served. To publish, get the key back from its 24 words: `hyperletter restore`.',
  },
  /** A library of the system that the storage needs is not installed. */
  MISSING_LIBRARY: { exitCode: 1, httpStatus: 500 },
  /** The result could not be written to standard output. */
  OUTPUT_FAILED: { exitCode: 1, httpStatus: 500 },
  /** Another process is using the data directory. */
  STORE_BUSY: {
    exitCode: 3,
    httpStatus: 423,
    hint: 'Wait for the other command to end. With `hyperletter daemon start`, commands share the data.',
  },
  /** No daemon answers for this data directory. */
  DAEMON_NOT_RUNNING: {
    exitCode: 3,
    httpStatus: 503,
    hint: 'Start it with `hyperletter daemon start`.',
  },
  /** A daemon has this data directory, but does not answer. */
  DAEMON_NOT_ANSWERING: {
    exitCode: 3,
    httpStatus: 503,
    hint: 'It is busy or suspended. Wait; if it stays so, `kill -CONT` wakes a suspended process, and `kill -KILL` ends it: nothing that was acknowledged is lost.',
  },
  /** A daemon already runs for this data directory. */
  DAEMON_ALREADY_RUNNING: {
    exitCode: 1,
    httpStatus: 409,
    hint: 'See it with `hyperletter daemon status`, or stop it with `hyperletter daemon stop`.',
  },
  /** The daemon speaks another version. */
  PROTOCOL_MISMATCH: {
    exitCode: 1,
    httpStatus: 409,
    hint: 'Restart the daemon with this version: `hyperletter daemon stop`, then `hyperletter daemon start`.',
  },
  /** The deadline passed. */
  TIMEOUT: {
    exitCode: 3,
    httpStatus: 504,
    hint: 'Try again, or allow more time with --timeout.',
  },
  /** Interrupted. */
  ABORTED: { exitCode: 130, httpStatus: 499 },
  /** Something unexpected happened. */
  INTERNAL: {
    exitCode: 1,
    httpStatus: 500,
    hint: 'Run again with --verbose and report what it prints.',
  },
} as const satisfies Record<string, Consequences>

export type ErrorCode = keyof typeof ERROR_CODES

/** The shape of an error on the socket and in `--json`: a code and words, never a stack. */
export interface ErrorJson {
  readonly code: ErrorCode
  readonly message: string
  readonly hint?: string
}

export interface HyperletterErrorOptions {
  /** The next step, where a better one is known than the usual one of the code. */
  readonly hint?: string | undefined
  readonly cause?: unknown
}

/** The one error class of the product. Match on `code`, never on the message. */
export class HyperletterError extends Error {
  override readonly name = 'HyperletterError'
  readonly code: ErrorCode
  readonly hint: string | undefined

  constructor(code: ErrorCode, message: string, options: HyperletterErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    const { hint }: Consequences = ERROR_CODES[code]
    this.hint = options.hint ?? hint
  }

  get exitCode(): number {
    return ERROR_CODES[this.code].exitCode
  }

  get httpStatus(): number {
    return ERROR_CODES[this.code].httpStatus
  }

  toJSON(): ErrorJson {
    const { code, message, hint } = this
    return hint === undefined ? { code, message } : { code, message, hint }
  }

  /** Rebuilds an error that crossed the socket. Anything malformed becomes `INTERNAL`. */
  static fromJSON(json: unknown): HyperletterError {
    const { code, message, hint } = (json ?? {}) as Partial<Record<keyof ErrorJson, unknown>>
    if (!isErrorCode(code) || typeof message !== 'string') {
      const words = 'The daemon answered with an error that cannot be read.'
      return new HyperletterError('INTERNAL', words)
    }
    return new HyperletterError(code, message, typeof hint === 'string' ? { hint } : {})
  }

  /** Any thrown value as a HyperletterError: ours unchanged, an abort as `ABORTED`, the rest as `INTERNAL`. */
  static from(error: unknown): HyperletterError {
    if (error instanceof HyperletterError) return error
    if (isAbort(error)) return new HyperletterError('ABORTED', 'Interrupted.', { cause: error })
    const message = error instanceof Error ? error.message : String(error)
    return new HyperletterError('INTERNAL', message, { cause: error })
  }
}

/** `INVALID_INPUT` with words for whoever gave it. */
export function invalidInput(message: string, options?: HyperletterErrorOptions): HyperletterError {
  return new HyperletterError('INVALID_INPUT', message, options)
}

/** True if `error` is a HyperletterError with one of `codes`. */
export function hasCode(error: unknown, ...codes: ErrorCode[]): error is HyperletterError {
  return error instanceof HyperletterError && codes.includes(error.code)
}

/** The `code` property of any error, ours or a library's, if it has one. */
export function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code
  return typeof code === 'string' ? code : undefined
}

/** Handles failures with one of `codes`, by giving `value`; every other failure is thrown on. */
export function ifCode<T>(value: T, ...codes: ErrorCode[]): (error: unknown) => T {
  return (error) => {
    if (hasCode(error, ...codes)) return value
    throw error
  }
}

/** Handles a failure that a file is missing, by giving `value`; every other failure is thrown on. */
export function ifMissing<T>(value: T): (error: unknown) => T {
  return (error) => {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return value
    throw error
  }
}

/** What `work` gives; undefined where it fails. */
export function attempt<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}

function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(ERROR_CODES, code)
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}
