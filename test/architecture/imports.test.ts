import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { INTERNAL_MEMBERS } from '../../src/log/internals/internals.ts'
import { lint } from './lint.ts'

const value = 'export const it = 1\n'
const use = (path: string) => `export { it } from '${path}'\n`
const imports = (file: string) => `${file} architecture(imports)`

describe('the ranks of src/', () => {
  it('allow imports that go down', async () => {
    const complaints = await lint({
      'src/errors.ts': value,
      'src/format/keys/link.ts': use('../../errors.ts'),
      'src/format/feed.ts': use('./keys/link.ts'),
      'src/api/contract/contract.ts': use('../../format/keys/link.ts'),
      'src/api/socket/protocol.ts': use('../contract/contract.ts'),
      'src/engine/engine.ts': use('../format/feed.ts'),
      'src/api/socket/server.ts': use('./protocol.ts'),
      'src/connect.ts': use('./api/socket/server.ts'),
      'src/cli/main.ts': use('../connect.ts'),
    })
    expect(complaints).toEqual([])
  })

  it('allow imports inside one folder', async () => {
    const complaints = await lint({
      'src/format/keys/link.ts': use('./feed-key.ts'),
      'src/format/keys/feed-key.ts': value,
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
    const complaints = await lint({ 'src/engine/engine.ts': value, 'src/format/feed.ts': text })
    expect(complaints).toContain(imports('src/format/feed.ts'))
  })

  it('refuse an import between parts that know nothing of each other', async () => {
    const complaints = await lint({
      'src/format/keys/feed-key.ts': value,
      'src/peers/swarm.ts': value,
      'src/peers/topics.ts': use('../format/keys/feed-key.ts'),
      'src/replication/seeding.ts': use('../peers/swarm.ts'),
      'src/engine/network/network.ts': use('../../peers/swarm.ts'),
    })
    expect(complaints).toEqual([
      imports('src/peers/topics.ts'),
      imports('src/replication/seeding.ts'),
    ])
  })

  it('refuse an import that goes sideways', async () => {
    const complaints = await lint({
      'src/config/config.ts': value,
      'src/format/keys/link.ts': use('../../config/config.ts'),
      'src/web/app.ts': value,
      'src/api/operations.ts': use('../web/app.ts'),
    })
    expect(complaints).toEqual([
      imports('src/api/operations.ts'),
      imports('src/format/keys/link.ts'),
    ])
  })

  it('tell the files of one folder apart where their ranks differ', async () => {
    const complaints = await lint({
      'src/daemon/daemon.ts': value,
      'src/daemon/service/definitions.ts': use('../daemon.ts'),
      'src/api/reading/reading.ts': value,
      'src/api/contract/contract.ts': use('../reading/reading.ts'),
    })
    expect(complaints).toEqual([
      imports('src/api/contract/contract.ts'),
      imports('src/daemon/service/definitions.ts'),
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
  const core = `export type { Peer } from 'hypercore'\n`
  const hashing = `export type { KeyPair } from 'hypercore-crypto'\n`

  it('are open to that user', async () => {
    const complaints = await lint({
      'src/peers/swarm.ts': swarm,
      'src/peers/dht.ts': testnet,
      'src/log/store/opening.ts': store,
      'src/log/hypercore-log.ts': hashing,
    })
    expect(complaints).toEqual([])
  })

  it('are closed to everybody else', async () => {
    const complaints = await lint({
      'src/engine/engine.ts': swarm,
      'src/cli/dht.ts': testnet,
      'src/peers/swarm.ts': store,
      'src/format/crypto.ts': hashing,
      'src/replication/seeding.ts': core,
    })
    expect(complaints).toEqual([
      imports('src/cli/dht.ts'),
      imports('src/engine/engine.ts'),
      imports('src/format/crypto.ts'),
      imports('src/peers/swarm.ts'),
      imports('src/replication/seeding.ts'),
    ])
  })
})

describe('files that must run without Node', () => {
  it.each([
    'src/format/keys/link.ts',
    'src/format/feed.ts',
    'src/format/content/content-codec.ts',
    'src/render/markdown/markdown.ts',
  ])('import no built-in in %s', async (file) => {
    expect(await lint({ [file]: use('node:fs') })).toEqual([imports(file)])
  })

  it('import no other file that may import one', async () => {
    const complaints = await lint({
      'src/config/config.ts': value,
      'src/format/feed.ts': use('../config/config.ts'),
      'src/format/content/content-codec.ts': `export type { it } from '../../config/config.ts'\n`,
    })
    expect(complaints).toEqual([imports('src/format/feed.ts')])
  })

  it('are not all files', async () => {
    expect(await lint({ 'src/sources/draft.ts': use('node:fs') })).toEqual([])
  })
})

describe('cycles', () => {
  it('are refused inside a folder too', async () => {
    const complaints = await lint({
      'src/sources/draft.ts': `import { b } from './warning.ts'\nexport const a = () => b()\n`,
      'src/sources/warning.ts': `import { a } from './draft.ts'\nexport const b = () => a()\n`,
    })
    expect(complaints).toEqual([
      'src/sources/draft.ts import(no-cycle)',
      'src/sources/warning.ts import(no-cycle)',
    ])
  })

  it('are refused between types too', async () => {
    const complaints = await lint({
      'src/sources/draft.ts': `import type { B } from './warning.ts'\nexport interface A { b: B }\n`,
      'src/sources/warning.ts': `import type { A } from './draft.ts'\nexport interface B { a: A }\n`,
    })
    expect(complaints).toHaveLength(2)
  })
})

describe('members of Hypercore that are not public', () => {
  const internals = (file: string) => `${file} architecture(internals)`
  const peer = 'export const busy = (peer: { _ranges: unknown }) => peer._ranges\n'
  const text = `export const it = (core: object) => Reflect.get(core, '_blocks') as unknown\n`

  it('are named in one folder', async () => {
    expect(await lint({ 'src/log/internals/requests.ts': peer, 'src/log/keys.ts': text })).toEqual(
      [],
    )
  })

  it.each(['src/replication/seeding.ts', 'src/format/feed.ts', 'src/engine/engine.ts'])(
    'are not named in %s',
    async (file) => {
      expect(new Set(await lint({ [file]: peer }))).toEqual(new Set([internals(file)]))
      expect(await lint({ [file]: text })).toEqual([internals(file)])
    },
  )

  it('are all listed because they are used', async () => {
    const folder = join(import.meta.dirname, '../../src/log')
    const names = await readdir(folder, { recursive: true })
    const files = names.filter((it) => it.endsWith('.ts')).map((it) => join(folder, it))
    const sources = (await Promise.all(files.map((it) => readFile(it, 'utf8')))).map((it) =>
      it.replace(/INTERNAL_MEMBERS = \{[^}]*\}/, ''),
    )
    const members = Object.keys(INTERNAL_MEMBERS).map((it) => it.split('.').at(-1) ?? '')
    const unused = members.filter((it) => !sources.some((source) => source.includes(it)))
    expect(unused).toEqual([])
  })
})
