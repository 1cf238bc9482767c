import type { Printer } from '../output.ts'

/** A QR code, light on dark as cameras want it, where the terminal has room for it. */
export async function qrCode(out: Printer, text: string): Promise<string> {
  const { renderUnicodeCompact } = await import('uqr')
  const lines = renderUnicodeCompact(text, { border: 2 }).split('\n')
  if ((lines[0]?.length ?? 0) > out.width) return ''
  // Its blocks are the light parts: whatever the colours of the terminal are, white on black.
  const shown = out.hasColor ? lines.map((it) => `\u001b[97;40m${it}\u001b[0m`) : lines
  return `${shown.join('\n')}\n\n`
}
