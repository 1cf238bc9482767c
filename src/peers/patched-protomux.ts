import Protomux from 'protomux'

/** What is used of a multiplexer, from the inside. */
interface Inside {
  /** Looks for a channel that the peer opens. */
  _onopensession(state: object): Promise<void> | null
}

/** Multiplexers that take what came in one piece. */
const unpacking = new WeakSet<object>()

const onBatch = Reflect.get(Protomux.prototype, '_onbatch') as (state: object) => void

/**
 * Ends a connection, and nothing else, whatever its peer sends outside of all channels. By default every error of type
 * or range ends the process; and pieces within pieces, which nobody sends, come to the end of the stack within 70 KB.
 */
Object.assign(Protomux.prototype, {
  _onbatch(this: Protomux, state: object) {
    if (unpacking.has(this)) throw new Error('One piece is within another.')
    unpacking.add(this)
    try {
      onBatch.call(this, state)
    } finally {
      unpacking.delete(this)
    }
  },
  _safeDestroy(this: Protomux, error: Error) {
    this.destroy(error)
  },
  _warn(this: Protomux, error: Error) {
    this.stream.emit('warning', error)
  },
})

/** Calls `check` before each channel that the peer opens is looked for. What it throws ends the connection. */
export function beforeOpening(mux: Protomux, check: () => void): void {
  const inside = mux as unknown as Inside
  const open = inside._onopensession.bind(mux)
  inside._onopensession = (state) => {
    check()
    return open(state)
  }
}
