import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

/** A file of the reader's own, under an address that changes with its content. */
export interface Asset {
  readonly path: string
  readonly mediaType: string
  readonly bytes: Uint8Array<ArrayBuffer>
}

/** The style sheet, the script and the icon; all that a page loads besides pictures of issues. */
export interface Assets {
  readonly style: Asset
  readonly script: Asset
  readonly icon: Asset
}

/** Reads them once. */
export function loadAssets(): Assets {
  return {
    style: load('style.css', 'text/css; charset=utf-8'),
    script: load('reader.js', 'text/javascript; charset=utf-8'),
    icon: load('icon.svg', 'image/svg+xml'),
  }
}

function load(name: string, mediaType: string): Asset {
  const bytes = new Uint8Array(readFileSync(new URL(`./assets/${name}`, import.meta.url)))
  const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 12)
  return { path: `/assets/${hash}/${name}`, mediaType, bytes }
}
