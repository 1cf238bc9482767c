import type { GatewayFacts } from '../../engine/network/gateway-facts.ts'
import type { Gateway, GatewayOptions, GatewaySettings } from './gateway.ts'

/** What opens a gateway anew when it changes. */
export const GATEWAY_SETTINGS = [
  'gateway',
  'gatewayAddress',
  'gatewayNewsletters',
  'gatewayTabs',
  'gatewayProxies',
  'gatewayStun',
] as const satisfies readonly (keyof GatewaySettings)[]

/** The gateway of a daemon, which most have not: its code is loaded when it is set, with 15 MB of memory. */
export class GatewayHost {
  readonly #options: GatewayOptions
  #loading: Promise<Gateway> | undefined
  #gateway: Gateway | undefined

  constructor(options: GatewayOptions) {
    this.#options = options
  }

  /** What there is to say of it; undefined while it is not set. */
  facts(): GatewayFacts | undefined {
    return this.#gateway?.facts()
  }

  /** Opens it, opens it anew or closes it, as a configuration says. */
  async apply(settings: GatewaySettings): Promise<void> {
    if (settings.gateway === undefined && this.#loading === undefined) return
    this.#loading ??= this.#load()
    await (await this.#loading).apply(settings)
  }

  async close(): Promise<void> {
    await (await this.#loading)?.close()
  }

  async #load(): Promise<Gateway> {
    const { Gateway } = await import('./gateway.ts')
    this.#gateway = new Gateway(this.#options)
    return this.#gateway
  }
}
