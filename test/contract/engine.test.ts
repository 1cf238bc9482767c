import { describe, onTestFinished } from 'vitest'
import { Engine } from '../../src/engine/engine.ts'
import { createLogger } from '../../src/logger.ts'
import { bindOperations } from '../../src/api/operations.ts'
import { operationsSuite } from './operations-suite.ts'

describe('operations of an engine in this process', () => {
  operationsSuite({
    via: 'engine',
    open: async (config) => {
      const engine = await Engine.open({ config, logger: createLogger('silent') })
      onTestFinished(() => engine.close())
      return bindOperations(engine, 'engine')
    },
  })
})
