import { html } from 'hono/html'
import { count, type Markup } from './parts.ts'

/** Whether an issue outlives this machine, in a word for its author. */
export function copiesLine(copies: number): Markup {
  return copies === 0
    ? html`<strong class="bad">Stay online:</strong> no one else who is connected has it yet.`
    : html`<strong class="fine">Safe to go offline:</strong> held in full by
        ${count(copies, 'other')}.`
}
