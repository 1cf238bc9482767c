import type { Settings } from '../config/settings.ts'

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

/** The options that every command takes, and the settings that some take. */
export interface GlobalOptions extends Settings {
  readonly json?: boolean
  readonly quiet?: boolean
  readonly color: boolean
  readonly verbose?: boolean
}
