import { hostName } from './records/text.ts'

/** The name of a domain as a person types it, in A-labels; undefined if it is none of the Internet. */
export function parseDomain(text: string): string | undefined {
  const typed = text.trim().replace(/\.$/, '')
  if (/[\s/:#?@\\]/.test(typed)) return undefined
  const url = `https://${typed}`
  const name = URL.canParse(url) ? new URL(url).hostname : ''
  return hostName.safeParse(name, { jitless: true }).success ? name : undefined
}
