import type { loadConfig } from '../config/config.ts'
import type { connect } from '../api/connect.ts'
import type { runDaemon } from '../daemon/daemon.ts'
import type { daemonStatus, reloadDaemon, startDaemon, stopDaemon } from '../daemon/spawn.ts'
import type { runBootstrapNode } from '../peers/bootstrap.ts'
import type { openBrowser } from './terminal/browser.ts'
import type { openPager } from './terminal/pager.ts'

/** The rest of the product as the commands see it. */
export interface Services {
  readonly loadConfig: typeof loadConfig
  readonly connect: typeof connect
  readonly runDaemon: typeof runDaemon
  readonly startDaemon: typeof startDaemon
  readonly stopDaemon: typeof stopDaemon
  readonly reloadDaemon: typeof reloadDaemon
  readonly daemonStatus: typeof daemonStatus
  readonly runBootstrapNode: typeof runBootstrapNode
  readonly openPager: typeof openPager
  readonly openBrowser: typeof openBrowser
}

/** Each is loaded when it is first called, so that `--help` does not pay for the stack. */
export const lazyServices: Services = {
  loadConfig: async (...args) => (await import('../config/config.ts')).loadConfig(...args),
  connect: async (...args) => (await import('../api/connect.ts')).connect(...args),
  runDaemon: async (...args) => (await import('../daemon/daemon.ts')).runDaemon(...args),
  startDaemon: async (...args) => (await import('../daemon/spawn.ts')).startDaemon(...args),
  stopDaemon: async (...args) => (await import('../daemon/spawn.ts')).stopDaemon(...args),
  reloadDaemon: async (...args) => (await import('../daemon/spawn.ts')).reloadDaemon(...args),
  daemonStatus: async (...args) => (await import('../daemon/spawn.ts')).daemonStatus(...args),
  runBootstrapNode: async (...args) =>
    (await import('../peers/bootstrap.ts')).runBootstrapNode(...args),
  openBrowser: async (...args) => (await import('./terminal/browser.ts')).openBrowser(...args),
  openPager: async (...args) => (await import('./terminal/pager.ts')).openPager(...args),
}
