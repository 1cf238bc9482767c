import { execFile } from 'node:child_process'

/** How long the service manager may take to hear of something. */
const TELL_TIMEOUT_MS = 5_000

const VARIABLES = ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID'] as const

export interface SupervisorOptions {
  /** The variables that a service manager sets. They are taken out, so that no program we run inherits them. */
  readonly env: NodeJS.ProcessEnv
  readonly pid?: number
  /** Called with why the service manager could not be told. */
  readonly onFailure: (error: Error) => void
}

/**
 * The service manager that started this process, if it asked to be told (systemd, `sd_notify`). Node has no
 * Unix datagram sockets, so `systemd-notify` tells it, which is there wherever systemd is.
 */
export class Supervisor {
  readonly #variables: NodeJS.ProcessEnv
  readonly #env: NodeJS.ProcessEnv
  readonly #onFailure: SupervisorOptions['onFailure']
  readonly #watchdogMs: number | undefined
  #timer: NodeJS.Timeout | undefined

  constructor({ env, pid = process.pid, onFailure }: SupervisorOptions) {
    this.#env = env
    this.#onFailure = onFailure
    this.#variables = Object.fromEntries(VARIABLES.map((name) => [name, env[name]]))
    for (const name of VARIABLES) delete env[name]
    const { WATCHDOG_USEC: usec, WATCHDOG_PID: watched = String(pid) } = this.#variables
    const isMeant = usec !== undefined && /^[1-9]\d{0,15}$/.test(usec) && watched === String(pid)
    this.#watchdogMs = isMeant ? Number(usec) / 1_000 : undefined
  }

  /**
   * Says that the service is ready, and from now on that it is well, twice as often as is asked for.
   * @param isWell Whether it is; while it is not, nothing is said, and the service manager ends us.
   */
  async ready(isWell: () => Promise<boolean>): Promise<void> {
    await this.#tell('READY=1')
    if (this.#watchdogMs === undefined) return
    const look = () => {
      void isWell()
        .catch(() => false)
        .then((well) => (well ? this.#tell('WATCHDOG=1') : undefined))
    }
    this.#timer = setInterval(look, this.#watchdogMs / 2)
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #tell(state: string): Promise<void> {
    const { NOTIFY_SOCKET } = this.#variables
    if (NOTIFY_SOCKET === undefined || NOTIFY_SOCKET === '') return Promise.resolve()
    const options = { timeout: TELL_TIMEOUT_MS, env: { ...this.#env, NOTIFY_SOCKET } }
    return new Promise((resolve) => {
      execFile('systemd-notify', [state], options, (error) => {
        if (error !== null) this.#onFailure(error)
        resolve()
      })
    })
  }
}
