import { onTestFinished } from 'vitest'
import { startTabGateway, type TabGateway, type TabGatewayOptions } from './tab-server.ts'

/** What a tab sees of a gateway, until the running test ends. */
export async function serveTabs(options: TabGatewayOptions): Promise<TabGateway> {
  const gateway = await startTabGateway(options)
  onTestFinished(() => gateway.close())
  return gateway
}
