/** A stream to write to; a terminal if `isTTY`. */
export interface OutputStream extends NodeJS.WritableStream {
  readonly isTTY?: boolean
  /** Width and height of the terminal in characters. */
  readonly columns?: number
  readonly rows?: number
}

/** A stream to read from; a terminal if `isTTY`. */
export interface InputStream extends NodeJS.ReadableStream {
  readonly isTTY?: boolean
}

/** The options that every command takes. */
export interface GlobalOptions {
  readonly dataDir?: string
  readonly bootstrap?: string
  readonly host?: string
  readonly json?: boolean
  readonly quiet?: boolean
  readonly color: boolean
  readonly verbose?: boolean
}
