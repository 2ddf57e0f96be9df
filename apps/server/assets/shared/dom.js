/** Everything that is shown is made here, as text and never as markup. */

/** @param attributes of which `class` and `data-…` are set as they are, and `onclick` is listened to */
export const element = (tag, attributes = {}, ...children) => {
  const made = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (name === 'onclick') made.addEventListener('click', value)
    else made.setAttribute(name, value)
  }
  made.append(...children)
  return made
}

export const byId = (id) => document.getElementById(id)

/** Changes nothing where nothing has changed, so that a marked text stays marked. */
export const setText = (node, text) => {
  if (node.textContent !== text) node.textContent = text
}

/**
 * Keeps one child per item, in their order. Those that are there already are only updated: focus, and what was opened,
 * stay as they are.
 */
export const syncChildren = (parent, items, keyOf, make, update) => {
  const known = new Map([...parent.children].map((child) => [child.dataset.key, child]))
  let place = parent.firstElementChild
  for (const item of items) {
    const key = keyOf(item)
    const child = known.get(key) ?? make(item)
    child.dataset.key = key
    known.delete(key)
    update(child, item)
    if (child === place) place = place.nextElementSibling
    else parent.insertBefore(child, place)
  }
  for (const child of known.values()) child.remove()
}

/** A button that cannot be pressed again while what it does is under way, and that tells why it failed. */
export const actionButton = (text, act, attributes = {}) => {
  const button = element('button', { type: 'button', ...attributes }, text)
  button.addEventListener('click', async () => {
    button.disabled = true
    setText(byId('action-problem'), '')
    try {
      await act()
    } catch (error) {
      setText(byId('action-problem'), error.message)
    } finally {
      button.disabled = false
    }
  })
  return button
}
