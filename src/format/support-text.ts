/** What people type for a way of support: an address, or `Label <address>`. */
export function parseSupport(text: string): { uri: string; label?: string } {
  const { label, uri } = /^(?<label>[^<>]*?)\s*<(?<uri>[^<>]*)>$/.exec(text.trim())?.groups ?? {}
  if (uri === undefined) return { uri: text.trim() }
  return label === undefined || label === '' ? { uri } : { uri, label }
}

/** The opposite of `parseSupport`. */
export function formatSupport({ uri, label }: { uri: string; label?: string | undefined }): string {
  return label === undefined ? uri : `${label} <${uri}>`
}
