import type { SourceLocation } from '../model/location.ts'
import type { Node } from '../source/node.ts'
import { servicesOf } from './operations.ts'
import type { Rule } from './rule.ts'

/** By form: what these issuers give out cannot be mistaken for anything else. */
const forms: readonly (readonly [string, RegExp])[] = [
  ['an AWS access key', /\b(AKIA|ASIA)[0-9A-Z]{16}\b/],
  ['a GitHub token', /\b(gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{40,})\b/],
  ['a Slack token', /\bxox[abprs]-[0-9A-Za-z-]{10,}/],
  ['a Stripe key', /\b[rs]k_live_[0-9A-Za-z]{16,}/],
  ['a Google API key', /\bAIza[0-9A-Za-z_-]{35}\b/],
  ['a private key', /-----BEGIN (RSA |EC |OPENSSH |DSA |PGP )?PRIVATE KEY( BLOCK)?-----/],
  ['an npm token', /\bnpm_[A-Za-z0-9]{36}\b/],
  [
    'a password in a URL',
    /\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@{}<>$*]+:(?!(?:pass(word)?|secret|pw|x+|\*+|\.+|changeme|guest)@)[^\s:/@{}<>$*]{3,}@[\w.-]+/i,
  ],
]

export const noSecrets: Rule = {
  id: 'no-secrets',
  severity: 'error',
  area: 'security',
  formats: ['openapi', 'asyncapi', 'spandrel'],
  law: 'no contract holds a key, a token or a password',
  why:
    'Contracts are made to be handed around: to other teams, portals, generators, the public. A working key in an ' +
    'example is a working key for everybody who reads it.',
  fix: 'revoke it, and write something that cannot be used',
  *check({ system, node }) {
    const files = servicesOf(system).flatMap(({ documents }) =>
      documents.flatMap(({ file, sidecars }) => [file, ...sidecars]),
    )
    for (const file of new Set([system.file, ...files])) {
      const root = node(file, '')
      if (root === undefined) continue
      for (const { what, at } of secretsIn(root)) {
        yield { at, subject: system.name, message: `this looks like ${what}` }
      }
    }
  },
}

function secretsIn(root: Node): readonly { readonly what: string; readonly at: SourceLocation }[] {
  const found: { what: string; at: SourceLocation }[] = []
  const seen = new Set<Node>()
  const queue: Node[] = [root]
  for (let node = queue.pop(); node !== undefined; node = queue.pop()) {
    if (node.kind === 'scalar') {
      const { value, at } = node
      // Nothing that is shorter than the shortest form can be one: most texts of a document are.
      if (typeof value !== 'string' || value.length < 12) continue
      const form = forms.find(([, pattern]) => pattern.test(value))
      if (form !== undefined) found.push({ what: form[0], at })
    } else if (!seen.has(node)) {
      seen.add(node)
      if (node.kind === 'list') queue.push(...node.items)
      else for (const { value } of node.entries.values()) queue.push(value)
    }
  }
  return found
}
