import { getCookie } from 'hono/cookie'
import type { Reader, ReaderContext } from '../context.ts'
import { localPath } from '../guard.ts'
import { layout, type Page } from '../../site/pages/layout.ts'
import { THEMES, type View } from '../../site/pages/parts.ts'

/** What a page needs to know of its request. */
export function viewOf(reader: Reader, c: ReaderContext): View {
  const { pathname, search } = new URL(c.req.url)
  const theme = THEMES.find((it) => it === getCookie(c, 'theme')) ?? 'auto'
  return {
    path: localPath(c.req.method === 'GET' ? pathname + search : pathname),
    theme,
    formToken: reader.secrets.form,
    stylePath: reader.assets.style.path,
    scriptPath: reader.assets.script.path,
    iconPath: reader.assets.icon.path,
  }
}

/** Answers with a whole page. */
export function show(
  c: ReaderContext,
  view: View,
  page: Page,
  status: 200 | 404 | 422 | 500 | 503 = 200,
): Response | Promise<Response> {
  return c.html(layout(view, { notice: NOTICES[c.req.query('done') ?? ''], ...page }), status)
}

/** What was done on the page before, by a code in the address: nobody else's words can stand here. */
const NOTICES: Readonly<Record<string, string>> = {
  followed: 'You follow it now. Issues arrive in the background.',
  later: 'You follow it now. It is fetched as soon as somebody who has it is online.',
  left: 'You do not follow it any more.',
}
