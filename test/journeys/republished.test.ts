import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { runNode } from '../helpers/child.ts'
import { jsonOf } from '../helpers/cli.ts'
import { startFeedServer } from '../helpers/feed-server.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

const LAUNCHER = fileURLToPath(new URL('../../bin/hyperletter.js', import.meta.url))
/** `npm run soak:republished` kills it 20 times. */
const KILLS = Number(process.env['HYPERLETTER_KILLS'] ?? 8)
/** A correction comes with each of so many. */
const CORRECTED_EACH = 4
/** Longest time between the answer of the server and a kill. */
const MAX_DELAY_MS = 80

it('republishes a feed in a daemon that is killed again and again, nothing twice', async () => {
  const dataDir = await temporaryDirectory()
  // Nobody answers there: this newsletter needs no network.
  const own = { HYPERLETTER_BOOTSTRAP: '127.0.0.1:9', HYPERLETTER_LOCAL_DISCOVERY: 'off' }
  const start = (...args: readonly string[]) =>
    runNode([LAUNCHER, '--data-dir', dataDir, '--json', ...args], {
      XDG_CONFIG_HOME: dataDir,
      ...own,
    })
  const run = async (...args: readonly string[]) => {
    const child = start(...args)
    const code = await child.ended()
    expect({ code, stderr: child.stderr() }).toStrictEqual({ code: 0, stderr: '' })
    return jsonOf(child.stdout())
  }
  const list = async () => (await run('issues', 'Tides')) as { title: string; amendedAt?: string }[]
  const post = (number: number, text: string) => ({
    id: String(number),
    title: `Post ${number}`,
    text,
    date: new Date(Date.UTC(2026, 0, number)).toISOString(),
  })
  const feed = await startFeedServer(post(1, 'First.'))
  await run('create', 'Tides')
  const options = ['--every', '1', '--allow-private-addresses', '--to', 'Tides']
  await run('republish', feed.address, ...options)

  for (let kill = 1; kill <= KILLS; kill++) {
    const daemon = start('daemon', 'run')
    await daemon.line(/"ready":true/)
    feed.posts.unshift(post(kill + 1, `Text ${kill}.`))
    if (kill % CORRECTED_EACH === 0) feed.posts.splice(-1, 1, post(1, `Corrected ${kill}.`))
    const asked = feed.seen.length
    while (feed.seen.length === asked) await wait(20)
    // Somewhere between the answer of the server and the end of the round.
    await wait((kill / KILLS) * MAX_DELAY_MS)
    daemon.process.kill('SIGKILL')
    await daemon.ended()
  }

  const daemon = start('daemon', 'run')
  await daemon.line(/"ready":true/)
  const titles = Array.from({ length: KILLS + 1 }, (_, at) => `Post ${KILLS + 1 - at}`)
  let listed = await list()
  while (listed.length < titles.length) {
    await wait(200)
    listed = await list()
  }
  // One more look finds nothing to do.
  const asked = feed.seen.length
  while (feed.seen.length < asked + 2) await wait(50)
  listed = await list()
  expect(listed.map((it) => it.title)).toStrictEqual(titles)
  expect(listed.at(-1)?.amendedAt).toBeDefined()
  const first = (await run('read', 'Tides', '1')) as { markdown: string; editions: number }
  const corrected = KILLS - (KILLS % CORRECTED_EACH)
  expect(first.markdown).toContain(`Corrected ${corrected}.`)
  expect(first.editions).toBeLessThanOrEqual(1 + KILLS / CORRECTED_EACH)
  daemon.process.kill('SIGTERM')
  await daemon.ended()
}, 180_000)
