import { describe, onTestFinished } from 'vitest'
import { Engine } from '../../src/engine/engine.ts'
import { createLogger } from '../../src/logger.ts'
import { bindOperations } from '../../src/api/operations.ts'
import { serve } from '../helpers/servers.ts'
import { operationsSuite } from './operations-suite.ts'

describe('operations of a daemon behind a socket', () => {
  operationsSuite({
    via: 'daemon',
    open: async (config) => {
      const { socketPath } = config
      const engine = await Engine.open({ config, logger: createLogger('silent') })
      onTestFinished(() => engine.close())
      const { remote } = await serve(bindOperations(engine, 'daemon'), { socketPath })
      return remote
    },
  })
})
