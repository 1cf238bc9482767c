import { isDeepStrictEqual } from 'node:util'
import type { Config } from './config.ts'
import { SETTING_NAMES, type SettingName } from './settings.ts'

/** What became of a configuration that was read again. */
export interface Reloaded {
  /** Settings that changed and are in force now. */
  readonly applied: readonly SettingName[]
  /** Settings that changed and stay as they were until the next start. */
  readonly restart: readonly SettingName[]
}

interface Follower {
  readonly names: readonly SettingName[]
  readonly apply: (config: Config) => void | Promise<void>
}

/**
 * The configuration in force. A part that can change its ways while running follows the settings that it
 * can change; all others keep their values until the next start.
 */
export class LiveConfig {
  readonly #followers = new Set<Follower>()
  #value: Config

  constructor(config: Config) {
    this.#value = config
  }

  get value(): Config {
    return this.#value
  }

  /**
   * Calls `apply` with the new configuration whenever one of `names` has changed.
   * @returns what ends that.
   */
  follow(names: readonly SettingName[], apply: Follower['apply']): () => void {
    const follower = { names, apply }
    this.#followers.add(follower)
    return () => void this.#followers.delete(follower)
  }

  /** Takes over what can change while running. Rejects with the first failure once everybody was told. */
  async replace(next: Config): Promise<Reloaded> {
    const before = this.#value
    const changed = SETTING_NAMES.filter((name) => !isDeepStrictEqual(before[name], next[name]))
    const followers = [...this.#followers]
    const followed = new Set(followers.flatMap(({ names }) => names))
    const applied = changed.filter((name) => followed.has(name))
    const restart = changed.filter((name) => !followed.has(name))
    const config: Config = Object.freeze({
      ...before,
      ...Object.fromEntries(applied.map((name) => [name, next[name]])),
    })
    this.#value = config
    const told = await Promise.allSettled(
      followers
        .filter(({ names }) => names.some((name) => applied.includes(name)))
        .map(async ({ apply }) => apply(config)),
    )
    for (const it of told) if (it.status === 'rejected') throw it.reason
    return { applied, restart }
  }
}
