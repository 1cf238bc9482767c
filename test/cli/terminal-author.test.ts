import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { bindOperations } from '../../src/api/operations.ts'
import { LAUNCHER } from '../helpers/bin.ts'
import { openEngine } from '../helpers/engines.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { tmux } from '../helpers/tmux.ts'

/** A newsletter, a draft, and the real command in a terminal. */
async function author() {
  const dataDir = await temporaryDirectory()
  const engine = await openEngine({ dataDir })
  await bindOperations(engine, 'engine').createNewsletter({ title: 'Tides' })
  await engine.close()
  const file = join(dataDir, 'tide.md')
  await writeFile(file, '# Tide\n\nHigh at noon.\n\n![](gone/harbour-at-noon.png)\n')
  const env = {
    XDG_CONFIG_HOME: dataDir,
    HYPERLETTER_BOOTSTRAP: '127.0.0.1:9',
    DISPLAY: '',
    WAYLAND_DISPLAY: '',
  }
  const run = (...args: string[]) =>
    tmux([process.execPath, LAUNCHER, '--data-dir', dataDir, ...args], { env })
  return { file, run }
}

it('previews in the terminal where there is no browser, while the file changes', async () => {
  const { file, run } = await author()
  const terminal = await run('preview', file)
  await terminal.shows(
    /Tide\n[^]*High at noon\.[^]*1 thing to look at[^]*line 5: The image "gone\/harbour-at-noon\.png" is missing: there is no such\n {4}file\./,
  )
  await writeFile(file, '# Ebb\n\nLow at six.\n')
  const screen = await terminal.shows(/Low at six\.[^]*Nothing looks wrong\./)
  expect(screen).not.toContain('High at noon')
  await terminal.press('C-c')
  await terminal.shows(/ended: \d+/)
})

it('shows an issue before it publishes it, and publishes nothing after a no', async () => {
  const { file, run } = await author()
  const first = await run('publish', file)
  await first.shows(/High at noon\.[^]*gone[^]*Publish it as issue 1 of “Tides”\? \(yes\/no\)/)
  await first.type('no')
  await first.press('Enter')
  await first.shows(/Nothing was published\.\nended: 1/)
  const second = await run('publish', file)
  await second.shows(/\(yes\/no\)/)
  await second.type('yes')
  await second.press('Enter')
  await second.shows(/Published issue 1, “Tide”\.[^]*ended: 0/)
  const third = await run('publish', file)
  const again = await third.shows(/Publish it all the same\? \(yes\/no\)/)
  expect(again).toContain('The same text is issue 1 already')
}, 90_000)

it('takes a held issue back with Ctrl-C', async () => {
  const { file, run } = await author()
  const held = await run('publish', file, '--yes', '--hold', '60s')
  await held.shows(/Ctrl-C takes it back/)
  await held.press('C-c')
  await held.shows(/Took back “Tide”\. It was not published\.[^]*ended: 130/)
  const list = await run('scheduled')
  expect(await list.shows(/ended: 0/)).toContain('Nothing is scheduled.')
})
