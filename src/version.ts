import { readFileSync } from 'node:fs'
import { PACKAGE } from './places.ts'

export function packageVersion(): string {
  const json: unknown = JSON.parse(readFileSync(new URL('package.json', PACKAGE), 'utf8'))
  return String((json as { version?: unknown }).version)
}
