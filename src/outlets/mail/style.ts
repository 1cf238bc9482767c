/** Styles of elements, as mail programs show them: many leave out style sheets. */
const STYLES: Readonly<Record<string, string>> = {
  a: 'color:#0b57d0',
  blockquote: 'margin:0 0 1em;padding:0 0 0 1em;border-left:3px solid #ccc;color:#555',
  code: 'font-family:ui-monospace,Menlo,Consolas,monospace;font-size:.9em',
  figcaption: 'color:#666;font-size:.9em',
  figure: 'margin:0 0 1em',
  h1: 'margin:1.2em 0 .4em;font-size:1.5em;line-height:1.25',
  h2: 'margin:1.2em 0 .4em;font-size:1.3em;line-height:1.25',
  h3: 'margin:1.2em 0 .4em;font-size:1.1em;line-height:1.25',
  hr: 'margin:2em 0;border:0;border-top:1px solid #ccc',
  img: 'max-width:100%;height:auto',
  p: 'margin:0 0 1em',
  pre: 'margin:0 0 1em;padding:.7em;background:#f4f4f4;color:#222;white-space:pre-wrap',
  table: 'margin:0 0 1em;border-collapse:collapse',
  td: 'border:1px solid #ccc;padding:.2em .6em',
  th: 'border:1px solid #ccc;padding:.2em .6em',
}

/** A whole tag as `renderHtml` writes it: values are in double quotes, and none is in them. */
const TAG = /<([a-z][a-z0-9]*)((?: [a-z-]+="[^"]*")*)>/g

/**
 * HTML of `renderHtml` with its styles in each element, and with pictures that come along.
 * @param cids of pictures by their addresses.
 */
export function styled(html: string, cids: ReadonlyMap<string, string>): string {
  return html.replace(TAG, (_, name: string, attributes: string) => {
    const style = STYLES[name] === undefined ? '' : ` style="${STYLES[name]}"`
    if (name !== 'img') return `<${name}${attributes}${style}>`
    const shown = attributes
      .replace(' loading="lazy"', '')
      .replace(/ src="([^"]*)"/, (whole, address: string) => {
        const cid = cids.get(address.replace(/&#x26;/g, '&').replace(/&#x27;/g, "'"))
        return cid === undefined ? whole : ` src="cid:${cid}"`
      })
    return `<${name}${shown}${style}>`
  })
}
