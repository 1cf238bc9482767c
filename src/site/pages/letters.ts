import { html } from 'hono/html'
import { date, words, type IssueText, type Markup } from './parts.ts'

/** What readers wrote about an issue, as far as its author accepted it. */
export function lettersOf({ letters = [] }: Pick<IssueText, 'letters'>): Markup | '' {
  if (letters.length === 0) return ''
  return html`<section class="letters" id="letters" aria-labelledby="letters-title">
    <h2 id="letters-title">Letters (${letters.length})</h2>
    <ol>
      ${letters.map(
        ({ number, from, name, text, answer, writtenAt }) =>
          html`<li id="letter-${number}" value="${number}">
            <p class="over">
              ${name === undefined ? '' : html`${words(name)} · `}<code>${from.slice(0, 8)}</code> ·
              ${date(writtenAt)} · signature verified
            </p>
            ${paragraphs(text)}
            ${
              answer === undefined
                ? ''
                : html`<div class="answer">
                    <p class="over">The author answers</p>
                    ${paragraphs(answer)}
                  </div>`
            }
          </li>`,
      )}
    </ol>
  </section>`
}

// Plain text: nothing in it is markup, and nothing a link.
function paragraphs(text: string): Markup[] {
  return text.split(/\n{2,}/).map((it) => html`<p dir="auto">${words(it)}</p>`)
}
