export const MASK = '[redacted]'
const MAX_TEXT = 8_000
/** Read beyond the cut, so that a secret that lies across it is seen whole. */
const BEYOND_CUT = 1_000

/** Names of fields that hold secrets, compared without case, `-` and `_`. The id of a key is none: it says which it was. */
const SECRET_NAME = new RegExp(
  [
    'authorization|cookie|password|passwd|passphrase|passcode|secret|credential|signature|bearer',
    'token$|verifier$|tokenhash|recoverycode|totp|^seed$|^pin(code)?$|accesstokens|refreshtokens|ticket$|apikey(?!id$)|(access|private|signing|sealed|secret|auth)key|accesscode',
    'pwd$|^pass$|^otp$|^jwt$|^auth$|dsn$',
  ].join('|'),
)

/** As they stand in texts: settings, forms, JSON, SQL, lines of headers. */
const NAMES = [
  String.raw`pass(?:word|wd|phrase|code)|(?<![a-z])pass(?![a-z])|pwd|secret|(?<!unexpected )token|ticket|verifier|signature|credential|jwt|\bt?otp\b|recovery[-_ ]?codes?|["'](?:seed|pin|tokens)(?=\\*["'])`,
  '(?:api|access|private|signing|auth)[-_ ]?key|access[-_ ]?code|authorization|cookie',
].join('|')

/** An assignment, a quoted value right behind (SQL), or the next of a list of names and values in JSON. */
const AFTER_NAME = String.raw`\w{0,20}(?:\\*["']?\s{0,5}[:=]\s{0,5}|\s{1,5}(?=\\*["'])|\\*["']\s{0,3},\s{0,3}(?:\\*["']value\\*["']\s{0,3}:\s{0,3})?(?=\\*["']))`

/**
 * A quoted text up to its own quote, with as many backslashes before it; a list or an object up to its first end; or a
 * word. Nothing that is masked already.
 */
const VALUE = String.raw`(?:(?<q>\\*["'])[^]*?(?:(?<!\\)\k<q>|$)|(?!\[redacted)(?:\[[^\]]*\]?|\{[^}]*\}?|[^\s,;&"'})\]\\]+))`

/*
 * Whoever sends a request chooses texts that come by here. So no pattern begins with a repetition, and none looks on
 * without a bound for what may not come: each would read the rest of a text again from every place in it.
 */
const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[^]*?(?:-----END [A-Z ]{0,30}PRIVATE KEY-----|$)/g, MASK],
  // What follows may have several parts, so that the whole line goes.
  [/(authorization|cookie)(\s{0,5}:\s{0,5})(?!["'\\])[^\r\n]+/gi, `$1$2${MASK}`],
  [/\b(digest)\s+\w+=[^\r\n]+/gi, `$1 ${MASK}`],
  [/\b(bearer|basic)\s+[\w.~+/=-]{6,}/gi, `$1 ${MASK}`],
  // Signed tokens, wherever they stand.
  [/(?<![\w-])eyJ[\w-]{8,}\.[\w-]+(\.[\w-]+)?/g, MASK],
  [/\b(?:gty|whsec)_[\w+/=-]{6,}/g, MASK],
  // The last `@` before the path ends what is secret. A password may hold a `/` as well; a port's number ends there.
  [/(:\/\/)[^\s/?#"'<>]*@/g, `$1${MASK}@`],
  [/(:\/\/)[^\s/:@"'<>]{1,200}:(?!\d{1,5}[/?#])[^\s@"'<>]{1,200}@/g, `$1${MASK}@`],
  [/(%3A%2F%2F)[^\s&"'<>]{1,300}?%40/gi, `$1${MASK}%40`],
  [/([?&;](?:[\w.-]{0,50}(?:key|code)|sig|auth)=)[^&\s"']+/gi, `$1${MASK}`],
  // What stands behind `#` is for the browser alone: invitations and resets.
  [/(\/#)[^\s"'<>\\)]+/g, `$1${MASK}`],
  [/(:\/\/[^\s"'<>#\\]{1,500}#)[^\s"'<>\\)]+/g, `$1${MASK}`],
  [new RegExp(`((?:${NAMES})${AFTER_NAME})${VALUE}`, 'gi'), `$1${MASK}`],
]

/** Both stand in every text that one of the patterns would change; nearly all texts have none, and the first is cheap. */
const PUNCTUATED = /[:=%"']|eyj|gty_|whsec_|-----b|\/#|(?:bearer|basic|digest)\s/i
const SUSPICIOUS = new RegExp(
  `://|/#|%2f%2f|eyj|gty_|whsec_|bearer\\s|basic\\s|digest\\s|-----begin|[?&;][\\w.-]{0,50}(?:key|code|sig|auth)=|${NAMES}`,
  'i',
)

/** Takes secrets out of a text by their form; cuts very long texts. */
export const redactText = (text: string): string => {
  if (text.length > MAX_TEXT) {
    const clean = cleaned(text.slice(0, MAX_TEXT + BEYOND_CUT))
    return clean.length > MAX_TEXT ? `${clean.slice(0, MAX_TEXT)}…` : clean
  }
  return cleaned(text)
}

const cleaned = (text: string): string =>
  PUNCTUATED.test(text) && SUSPICIOUS.test(text)
    ? PATTERNS.reduce((clean, [pattern, mask]) => clean.replace(pattern, mask), text)
    : text

/** Whether what stands under this name is secret. */
export const isSecretName = (name: string): boolean => SECRET_NAME.test(name.toLowerCase().replaceAll(/[-_ ]/g, ''))
