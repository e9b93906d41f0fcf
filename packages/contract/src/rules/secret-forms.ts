/** What a working secret looks like, and what is only written where one would stand. */

/** By form: what these issuers give out cannot be mistaken for anything else. */
const forms: readonly (readonly [string, RegExp])[] = [
  ['an AWS access key', /\b(AKIA|ASIA)[0-9A-Z]{16}\b/],
  ['a GitHub token', /\b(gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{40,})\b/],
  ['a Slack token', /\bxox[abprs]-[0-9A-Za-z-]{10,}/],
  ['a Stripe key', /\b[rs]k_live_[0-9A-Za-z]{16,}/],
  ['a Google API key', /\bAIza[0-9A-Za-z_-]{35}\b/],
  ['a private key', /-----BEGIN (RSA |EC |OPENSSH |DSA |PGP |ENCRYPTED )?PRIVATE KEY( BLOCK)?-----/],
  ['an npm token', /\bnpm_[A-Za-z0-9]{36}\b/],
  [
    'a password in a URL',
    /\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@{}<>$*]+:(?!(?:pass(word)?|secret|pw|x+|\*+|\.+|changeme|guest)@)[^\s:/@{}<>$*]{3,}@[\w.-]+/i,
  ],
]

/** Nothing that is shorter than the shortest form can be one: most texts of a document are. */
const SHORTEST = 12

/** What a text holds that would work; undefined for nearly all. */
export function secretIn(text: string): string | undefined {
  if (text.length < SHORTEST) return undefined
  const form = forms.find(([, pattern]) => pattern.test(text))
  if (form !== undefined) return form[0]
  if (webTokensIn(text).some((token) => !isFamous(token))) return 'a JSON Web Token'
  for (const [, scheme = '', value = ''] of text.matchAll(/\b(bearer|basic) +([\w+/=.~-]{12,})/gi)) {
    if (scheme.toLowerCase() === 'basic' ? hasPassword(value) : isUsable(value, 'token')) {
      return `${scheme.toLowerCase() === 'basic' ? 'Basic' : 'Bearer'} credentials`
    }
  }
  for (const [, name = '', value = ''] of text.matchAll(
    /\b(password|pwd|accountkey|sharedaccesskey)=([^\s;&"'`,]+)/gi,
  )) {
    if (isUsable(value, /^p/i.test(name) ? 'password' : 'token')) return 'a connection string with a password'
  }
  return undefined
}

const passwords = new Set(['password', 'passwd', 'pwd', 'passphrase', 'userpassword', 'dbpassword'])
const tokens = new Set(
  (
    'secret clientsecret appsecret apisecret secretkey sharedsecret signingsecret webhooksecret secretaccesskey ' +
    'token accesstoken refreshtoken idtoken authtoken apitoken bearertoken sessiontoken accountkey ' +
    'apikey xapikey privatekey authorization proxyauthorization xauthtoken'
  ).split(' '),
)

/** What the value of a member is by the member's name: `client_secret`, `X-API-Key`. */
export function secretNamed(name: string, value: string): string | undefined {
  const plain = name.toLowerCase().replaceAll(/[^a-z]/g, '')
  if (passwords.has(plain)) return isUsable(value, 'password') ? `the value of \`${name}\`` : undefined
  return tokens.has(plain) && isUsable(value, 'token') ? `the value of \`${name}\`` : undefined
}

/** Signs of a gap to be filled: `<token>`, `${TOKEN}`, `{{token}}`, `$inputs.token`, `****`, `abc…`, `xxxx`; and links. */
const gap = /^[<[({$%]|^https?:|\$\{|\{\{|\*\*|\.\.\.|…|xxx|\s/i

/** What people write where a secret would stand, and what they lengthen it with. */
const words = new RegExp(
  [
    'p[a@4]ss(?:w[o0]rd|wd|phrase)?|s[e3]cr[e3]t|t[o0]k[e3]n|key|api|your|some|this|test|example|sample|demo|dummy',
    'fake|mock|user(?:name)?|admin|root|guest|client|access|refresh|session|auth(?:orization)?|bearer|basic|change',
    'replace|insert|here|value|string|placeholder|redacted|hidden|super|strong|secure|public|private|qwerty|letmein',
    'welcome|hello|world|real|live|prod|default|invalid|valid|expired|foo|bar|baz',
    '0?123(?:4(?:5(?:6(?:7(?:8(?:90?)?)?)?)?)?)?|abc(?:d(?:e(?:f(?:g(?:h(?:i(?:jkl?)?)?)?)?)?)?)?|xyz|(.)\\1{2,}',
  ].join('|'),
  'gi',
)

/** Specifications print these, and everybody copies them. */
const famous = new Set([
  'QWxhZGRpbjpvcGVuIHNlc2FtZQ==',
  'YWxhZGRpbjpvcGVuc2VzYW1l',
  '550e8400-e29b-41d4-a716-446655440000',
])

/** As long as a password of people, or a token of machines, may be short. */
const LEAST = { password: { length: 6, different: 5 }, token: { length: 12, different: 8 } } as const

/**
 * Would it let somebody in? Letters and digits that no word and no sequence explains; words alone are what people
 * write instead of a secret. Wrong for a password of words: nobody can tell it from `your-password`.
 */
function isUsable(value: string, kind: keyof typeof LEAST): boolean {
  const [, bare = value] = /^(?:bearer|basic|token) +(.*)$/i.exec(value) ?? []
  if (gap.test(bare) || famous.has(bare)) return false
  // The beginning of a JSON Web Token names an algorithm, and opens nothing.
  if (/^eyJ[\w-]+$/.test(bare)) return false
  if (/^basic /i.test(value)) return hasPassword(bare)
  const [web] = webTokensIn(bare)
  if (web !== undefined) return !isFamous(web)
  const rest = bare.replaceAll(words, '').replaceAll(/[^a-z0-9]/gi, '')
  const { length, different } = LEAST[kind]
  const varied = new Set(rest.toLowerCase()).size >= different
  return rest.length >= length && varied && /\d/.test(rest) && /[a-z]/i.test(rest)
}

/** `user:password`, encoded. */
function hasPassword(encoded: string): boolean {
  if (famous.has(encoded)) return false
  const [, password] = /^[^:]*:(.+)$/.exec(Buffer.from(encoded, 'base64').toString('utf8')) ?? []
  return password !== undefined && isUsable(password, 'password')
}

function webTokensIn(text: string): readonly string[] {
  return text.match(/\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{16,}/g) ?? []
}

/** The one of jwt.io: its subject is `1234567890`. */
function isFamous(token: string): boolean {
  const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')
  return /"sub"\s*:\s*"1234567890"/.test(payload)
}
