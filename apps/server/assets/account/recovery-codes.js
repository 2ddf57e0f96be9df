import { element } from '/assets/dom.js'

const copyButton = (text) => {
  const button = element('button', { type: 'button' }, 'Copy')
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(text)
      button.textContent = 'Copied'
    } catch {
      button.textContent = 'Not copied: mark them by hand'
    }
  })
  return button
}

/** @param done when they have been kept */
export const recoveryCodes = (codes, done) => {
  const title = element('h3', { tabindex: '-1' }, 'Your recovery codes')
  const list = element('ol', { class: 'codes' }, ...codes.map((code) => element('li', {}, code)))
  const print = element('button', { type: 'button', onclick: () => window.print() }, 'Print')
  const kept = element('button', { type: 'submit', onclick: done }, 'I have kept them')
  // Browsers have no clipboard over plain HTTP.
  const copy = navigator.clipboard === undefined ? [] : [copyButton(codes.join('\n'))]
  const made = element(
    'div',
    { class: 'kept' },
    title,
    element(
      'p',
      {},
      'They are shown this once. Each works one time in place of a code, for when you have lost your device. Keep them where you keep your passwords, or on paper.',
    ),
    list,
    // What is printed says later where it belongs.
    element('p', { class: 'hint' }, `Gantry at ${window.location.host}`),
    element('div', { class: 'actions' }, ...copy, print, kept),
  )
  return { made, title }
}
