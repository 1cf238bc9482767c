/** What there is to say of the gateway of this device. */
export interface GatewayFacts {
  readonly address: string
  /** Browser tabs that are connected. */
  readonly tabs: number
  /** What was sent to browsers, by HTTP and to tabs, since the start of this process. */
  readonly uploadedBytes: number
  /** Feed keys of those that it is opened for. */
  readonly newsletters: string[]
  /** Why it cannot be reached, or not by all. */
  readonly problem?: string
}
