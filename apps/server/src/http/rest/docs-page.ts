/** The page itself says nothing of the API; the description is fetched, with a token when the server asks for one. */
export const DOCS_PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Gantry API</title>
    <link rel="icon" href="/api/docs/favicon-32x32.png" />
    <link rel="stylesheet" href="/api/docs/swagger-ui.css" />
    <style>
      body { margin: 0; font-family: sans-serif; }
      form { max-width: 40rem; margin: 4rem auto; padding: 0 1rem; }
      label { display: block; margin-bottom: 0.5rem; }
      input { width: 100%; box-sizing: border-box; padding: 0.5rem; font-family: monospace; }
      button { margin-top: 0.75rem; padding: 0.5rem 1rem; }
      #problem { color: #b00020; min-height: 1.2em; }
      [hidden] { display: none; }
    </style>
  </head>
  <body>
    <form id="login" hidden>
      <h1>Gantry API</h1>
      <label for="token">This description is for admins. Paste an access token:</label>
      <input id="token" type="password" autocomplete="off" required />
      <p id="problem" role="alert"></p>
      <button>Show the API</button>
    </form>
    <div id="api"></div>
    <script src="/api/docs/swagger-ui-bundle.js"></script>
    <script src="/api/docs/docs.js"></script>
  </body>
</html>
`

export const DOCS_SCRIPT = `'use strict'
const form = document.getElementById('login')
const problem = document.getElementById('problem')

const show = (spec, token) => {
  form.hidden = true
  const ui = SwaggerUIBundle({ spec, dom_id: '#api', deepLinking: true, validatorUrl: null })
  if (token) ui.preauthorizeApiKey('bearer', token)
}

const load = async (token) => {
  const headers = token ? { Authorization: 'Bearer ' + token } : {}
  const response = await fetch('/api/openapi.json', { headers })
  const body = await response.json()
  if (response.ok) return show(body, token)
  form.hidden = false
  problem.textContent = token || response.status !== 401 ? body.error.message : ''
}

form.addEventListener('submit', (event) => {
  event.preventDefault()
  void load(document.getElementById('token').value.trim())
})
void load('')
`
