/**
 * HTML that can't be injected into: what stands between the back-ticks is ours, everything put into it
 * is escaped, unless it came from here itself.
 *
 * @example
 * String(html`<p>${'<b>'}</p>`) // <p>&lt;b&gt;</p>
 */
export function html(text: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  let written = text[0] ?? ''
  values.forEach((value, index) => {
    written += write(value) + (text[index + 1] ?? '')
  })
  const made: Html = Object.freeze({ toString: () => written })
  genuine.add(made)
  return made
}

/** Made by `html` alone; anything that merely looks like it is escaped as text. */
export interface Html {
  toString(): string
}

/** What is not there is written as nothing. */
export type HtmlValue = string | number | Html | undefined | false | readonly HtmlValue[]

export function isHtml(value: unknown): value is Html {
  return typeof value === 'object' && value !== null && genuine.has(value)
}

const genuine = new WeakSet<object>()

function write(value: HtmlValue): string {
  if (value === undefined || value === false) return ''
  if (Array.isArray(value)) return value.map(write).join('')
  return isHtml(value) ? value.toString() : escapeText(String(value))
}

/** For text and for attribute values in quotes of either kind. */
function escapeText(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
