import { expect, test } from 'vitest'
import { runNode } from './helpers/child.ts'

const LOGGER = new URL('../dist/logger.js', import.meta.url).href

/** What a process prints that runs `body` with a logger; on stdout, whether what writes lines was loaded. */
async function run(level: string, body: string) {
  const program = `
    import { createRequire } from 'node:module'
    import { createLogger } from ${JSON.stringify(LOGGER)}
    const logger = createLogger(${JSON.stringify(level)})
    ${body}
    const { cache } = createRequire(${JSON.stringify(LOGGER)})
    console.log(Object.keys(cache).some((it) => /[\\\\/]pino[\\\\/]/.test(it)))`
  const child = runNode(['--input-type=module', '--eval', program])
  expect(await child.ended()).toBe(0)
  const lines = child.stderr().split('\n').filter(Boolean)
  return {
    lines: lines.map((line) => JSON.parse(line) as Record<string, unknown>),
    isLoaded: child.stdout().trim() === 'true',
  }
}

test('lines at the level and above are JSON on stderr, with what they are about', async () => {
  const { lines, isLoaded } = await run(
    'info',
    `logger.debug({ feed: 'a' }, 'too fine')
     logger.info({ feed: 'b' }, 'begins')
     logger.error({ err: new Error('Away.') }, 'fails')`,
  )
  expect(lines).toMatchObject([
    { level: 30, feed: 'b', msg: 'begins' },
    { level: 50, err: { type: 'Error', message: 'Away.' }, msg: 'fails' },
  ])
  expect(Date.parse(String(lines[0]?.['time']))).not.toBeNaN()
  expect(isLoaded).toBe(true)
})

test('the level can be changed while it runs', async () => {
  const { lines } = await run(
    'silent',
    `logger.error({}, 'one')
     logger.level = 'debug'
     logger.debug({}, 'two')
     logger.level = 'error'
     logger.warn({}, 'three')`,
  )
  expect(lines.map(({ msg }) => msg)).toEqual(['two'])
})

test('who logs nothing does not load what would write it', async () => {
  const { lines, isLoaded } = await run('warn', `logger.info({}, 'fine')`)
  expect(lines).toEqual([])
  expect(isLoaded).toBe(false)
})
