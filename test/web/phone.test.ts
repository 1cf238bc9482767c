import { expect, it, onTestFinished } from 'vitest'
import { connect } from '../../src/connect.ts'
import { launchBrowser } from '../helpers/browser.ts'
import { configOf } from '../helpers/engines.ts'
import { publish } from '../helpers/peers.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { PHONE, violations } from '../helpers/visits.ts'

it(
  'a phone reads with the address that it scanned, until it is removed',
  { timeout: 120_000 },
  async () => {
    const connection = await connect(configOf(await temporaryDirectory()))
    onTestFinished(() => connection.close())
    const { operations } = connection
    await operations.createNewsletter({ title: 'Tide tables' })
    await publish(operations, '# High water\n\nAt noon, on the third step.\n')
    const { token } = await operations.addDevice({})
    const address = await connection.openReader({ device: token })

    const browser = await launchBrowser()
    onTestFinished(() => browser.close())
    for (const colorScheme of ['light', 'dark'] as const) {
      const context = await browser.newContext({
        viewport: PHONE,
        isMobile: true,
        hasTouch: true,
        colorScheme,
      })
      const page = await context.newPage()
      const fits = () =>
        page.evaluate(
          'document.documentElement.scrollWidth <= document.documentElement.clientWidth',
        )
      await page.goto(address)
      // The token is in the address no longer.
      expect(new URL(page.url()).search).toBe('')
      await page.getByRole('link', { name: 'Newsletters', exact: true }).tap()
      // It reads, and publishes nothing.
      expect(await page.getByRole('link', { name: 'Write' }).count()).toBe(0)
      await page.getByRole('link', { name: 'Tide tables' }).tap()
      expect(await page.getByRole('link', { name: 'Edit the profile' }).count()).toBe(0)
      await page.getByRole('link', { name: 'High water' }).first().tap()
      await page.getByText('on the third step').waitFor()
      expect(await page.getByRole('button', { name: 'Amend' }).count()).toBe(0)
      expect([await fits(), await violations(page)]).toEqual([true, []])
      // It comes back by itself, as from a bookmark.
      await page.goto(new URL('/newsletters', address).href)
      await page.getByRole('link', { name: 'Tide tables' }).waitFor()
      await context.storageState().then(({ cookies }) => {
        expect(cookies).toMatchObject([{ httpOnly: true, sameSite: 'Strict' }])
      })
      await context.close()
    }

    const page = await (await browser.newContext({ viewport: PHONE })).newPage()
    await page.goto(address)
    await operations.removeDevice({ device: 'phone' })
    await operations.addDevice({ name: 'another' })
    await page.reload()
    await page.getByText('hyperletter devices add').waitFor()
    expect(await page.getByText('Tide tables').count()).toBe(0)
    expect(await violations(page)).toEqual([])
  },
)
