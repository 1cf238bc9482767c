import { describe, expect, it } from 'vitest'
import { lint } from './lint.ts'

const value = 'export const it = 1\n'
const use = (path: string) => `export { it } from '${path}'\n`
const imports = (file: string) => `${file} architecture(imports)`

describe('the ranks of src/', () => {
  it('allow imports that go down', async () => {
    const complaints = await lint({
      'src/errors.ts': value,
      'src/records/link.ts': use('../errors.ts'),
      'src/feed/feed.ts': use('../records/link.ts'),
      'src/operations/contract.ts': use('../records/link.ts'),
      'src/daemon/protocol.ts': use('../operations/contract.ts'),
      'src/engine/engine.ts': use('../feed/feed.ts'),
      'src/daemon/server.ts': use('./protocol.ts'),
      'src/connect.ts': use('./daemon/server.ts'),
      'src/cli/main.ts': use('../connect.ts'),
    })
    expect(complaints).toEqual([])
  })

  it('allow imports inside one folder', async () => {
    const complaints = await lint({
      'src/records/link.ts': use('./feed-key.ts'),
      'src/records/feed-key.ts': value,
      'src/cli/main.ts': use('./commands/read.ts'),
      'src/cli/commands/read.ts': value,
    })
    expect(complaints).toEqual([])
  })

  it.each([
    ['an export from', use('../engine/engine.ts')],
    ['an import', `import { it } from '../engine/engine.ts'\nexport const that = it\n`],
    [
      'an import of types',
      `import type { it } from '../engine/engine.ts'\nexport type That = typeof it\n`,
    ],
    ['an import()', `export const load = () => import('../engine/engine.ts')\n`],
    ['an import() of a type', `export type That = typeof import('../engine/engine.ts')\n`],
  ])('refuse %s that goes up', async (_, text) => {
    const complaints = await lint({ 'src/engine/engine.ts': value, 'src/feed/feed.ts': text })
    expect(complaints).toContain(imports('src/feed/feed.ts'))
  })

  it('refuse an import that goes sideways', async () => {
    const complaints = await lint({
      'src/config/config.ts': value,
      'src/records/link.ts': use('../config/config.ts'),
      'src/reader/app.ts': value,
      'src/daemon/server.ts': use('../reader/app.ts'),
    })
    expect(complaints).toEqual([imports('src/daemon/server.ts'), imports('src/records/link.ts')])
  })

  it('tell the files of one folder apart where their ranks differ', async () => {
    const complaints = await lint({
      'src/daemon/daemon.ts': value,
      'src/daemon/protocol.ts': use('./daemon.ts'),
      'src/operations/reading.ts': value,
      'src/operations/contract.ts': use('./reading.ts'),
    })
    expect(complaints).toEqual([
      imports('src/daemon/protocol.ts'),
      imports('src/operations/contract.ts'),
    ])
  })

  it('want a rank for every file', async () => {
    const complaints = await lint({ 'src/utils/misc.ts': value })
    expect(complaints).toEqual([imports('src/utils/misc.ts')])
  })

  it('end at src/', async () => {
    const complaints = await lint({
      'test/helpers/it.ts': value,
      'src/index.ts': use('../test/helpers/it.ts'),
    })
    expect(complaints).toEqual([imports('src/index.ts')])
  })
})

describe('packages with one user', () => {
  const swarm = `export { default as Swarm } from 'hyperswarm'\n`
  const testnet = `export { default as testnet } from 'hyperdht/testnet.js'\n`
  const store = `export { default as Store } from 'corestore'\n`

  it('are open to that user', async () => {
    const complaints = await lint({
      'src/network/swarm.ts': swarm,
      'src/network/dht.ts': testnet,
      'src/engine/engine.ts': store,
    })
    expect(complaints).toEqual([])
  })

  it('are closed to everybody else', async () => {
    const complaints = await lint({
      'src/engine/engine.ts': swarm,
      'src/cli/dht.ts': testnet,
      'src/network/swarm.ts': store,
    })
    expect(complaints).toEqual([
      imports('src/cli/dht.ts'),
      imports('src/engine/engine.ts'),
      imports('src/network/swarm.ts'),
    ])
  })
})

describe('files that must run without Node', () => {
  it.each([
    'src/records/link.ts',
    'src/feed/feed.ts',
    'src/feed/content.ts',
    'src/reader/markdown/markdown.ts',
  ])('import no built-in in %s', async (file) => {
    expect(await lint({ [file]: use('node:fs') })).toEqual([imports(file)])
  })

  it('import no other file that may import one', async () => {
    const complaints = await lint({
      'src/config/config.ts': value,
      'src/feed/feed.ts': use('../config/config.ts'),
      'src/feed/content.ts': `export type { it } from '../config/config.ts'\n`,
    })
    expect(complaints).toEqual([imports('src/feed/feed.ts')])
  })

  it('are not all files', async () => {
    expect(await lint({ 'src/drafts/draft.ts': use('node:fs') })).toEqual([])
  })
})

describe('cycles', () => {
  it('are refused inside a folder too', async () => {
    const complaints = await lint({
      'src/feed/draft.ts': `import { b } from './warning.ts'\nexport const a = () => b()\n`,
      'src/feed/warning.ts': `import { a } from './draft.ts'\nexport const b = () => a()\n`,
    })
    expect(complaints).toEqual([
      'src/feed/draft.ts import(no-cycle)',
      'src/feed/warning.ts import(no-cycle)',
    ])
  })

  it('are refused between types too', async () => {
    const complaints = await lint({
      'src/feed/draft.ts': `import type { B } from './warning.ts'\nexport interface A { b: B }\n`,
      'src/feed/warning.ts': `import type { A } from './draft.ts'\nexport interface B { a: A }\n`,
    })
    expect(complaints).toHaveLength(2)
  })
})
