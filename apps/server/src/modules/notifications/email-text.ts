/** What a mail says, whatever its form. */
export interface EmailText {
  subject: string
  heading: string
  paragraphs: readonly string[]
  facts: readonly { name: string; value: string }[]
}

export interface RenderedEmail {
  subject: string
  text: string
  html: string
}

const MAX_SUBJECT = 200

/** One line of visible text: a line break would end a header, and the others hide what follows. */
const oneLine = (text: string): string =>
  text
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .replaceAll(/\p{Cs}/gu, '\uFFFD')
    .trim()

const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** Into HTML goes nothing that did not come through here. */
const escaped = (text: string): string => oneLine(text).replaceAll(/[&<>"']/g, (character) => ESCAPES[character] ?? '')

const plain = ({ heading, paragraphs, facts }: EmailText, publicUrl: string | null): string =>
  [
    ...[heading, ...paragraphs].map(oneLine),
    facts.map(({ name, value }) => `${oneLine(name)}: ${oneLine(value)}`).join('\n'),
    publicUrl === null ? '' : `Gantry: ${publicUrl}`,
  ]
    .filter((part) => part !== '')
    .join('\n\n') + '\n'

const rowOf = ({ name, value }: EmailText['facts'][number]): string =>
  `<tr><th align="left" valign="top" style="padding-right:1em">${escaped(name)}</th><td>${escaped(value)}</td></tr>`

const html = ({ subject, heading, paragraphs, facts }: EmailText, publicUrl: string | null): string =>
  [
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${escaped(subject)}</title></head>`,
    '<body style="font-family:sans-serif">',
    heading === '' ? '' : `<h1 style="font-size:1.25em">${escaped(heading)}</h1>`,
    ...paragraphs.map((paragraph) => `<p>${escaped(paragraph)}</p>`),
    facts.length === 0 ? '' : `<table>${facts.map(rowOf).join('')}</table>`,
    publicUrl === null ? '' : `<p><a href="${escaped(publicUrl)}">${escaped(publicUrl)}</a></p>`,
    '</body></html>',
  ].join('')

/** The mail as text and as HTML; values are shown as they are and can be nothing else. */
export const rendered = (mail: EmailText, publicUrl: string | null): RenderedEmail => ({
  subject: oneLine(oneLine(mail.subject).slice(0, MAX_SUBJECT)),
  text: plain(mail, publicUrl),
  html: html(mail, publicUrl),
})
