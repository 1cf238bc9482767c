import { join } from 'node:path'
import { expect, it } from 'vitest'
import { findChromium, loadedPage } from '../../src/cli/commands/more/headless-browser.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

const browser = findChromium(process.env)

it('waits until a page shows what is waited for, however long its scripts are busy', async ({
  skip,
}) => {
  if (browser === undefined) return skip('needs Chromium')
  const page = `data:text/html,<html data-verified=busy><script>
    setTimeout(() => { document.documentElement.dataset.verified = 'yes' }, 700)</script>`
  const profile = join(await temporaryDirectory(), 'profile')
  const html = await loadedPage(browser, page, profile, (it) => it.includes('data-verified="yes"'))
  expect(html).toContain('data-verified="yes"')
})

it.each([
  ['a program that is no browser', process.execPath],
  ['nothing', '/nowhere/chromium'],
])('has no page of %s', async (_, path) => {
  const profile = join(await temporaryDirectory(), 'profile')
  expect(await loadedPage(path, 'about:blank', profile, () => true)).toBeUndefined()
})
