/** Nothing in it comes from elsewhere, and it runs no script. */
export const SIGN_ON_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

/** What somebody sees who has no page of an app to go back to. @param note small, for whoever helps them */
export const signOnPage = (title: string, sentence: string, note: string | null = null): string => `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>${escaped(title)}</title>
    <style>
      body { margin: 4rem auto; max-width: 36rem; padding: 0 1rem; font-family: sans-serif; }
      small { color: #555; }
    </style>
  </head>
  <body>
    <h1>${escaped(title)}</h1>
    <p role="status">${escaped(sentence)}</p>
${note === null ? '' : `    <p><small>${escaped(note)}</small></p>\n`}  </body>
</html>
`
