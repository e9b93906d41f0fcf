import { placeIn } from './repository/place-in.ts'
import { servicesOf } from './operations.ts'
import type { Rule } from './rule.ts'

const code =
  /\.(ts|tsx|mts|js|mjs|cjs|jsx|py|go|java|kt|cs|rb|php|rs|ex|exs|scala|env|properties|ya?ml|toml)$|(^|\/)(Dockerfile|\.env[\w.]*)$/

export const undeclaredUse: Rule = {
  id: 'undeclared-use',
  severity: 'warning',
  area: 'governance',
  formats: ['repository', 'spandrel'],
  law: 'a service that reaches another one by its address declares the use',
  why:
    'What is not in `uses` is in no impact analysis: the provider changes an operation, nobody is named, and the caller ' +
    'breaks. The address of another service in the code of this one is a call that nobody declared.',
  fix: 'add the operation to `uses:` of the service',
  *check({ system, repository }) {
    const services = servicesOf(system)
    for (const file of repository.files) {
      if (
        !code.test(file) ||
        /(^|[\\/])(spandrel\.yaml|tests?|__tests__|fixtures)([\\/]|$)|\.contract\.ts$|\.(test|spec)\.\w+$/.test(file)
      )
        continue
      const consumer = repository.ownerOf(file)
      if (consumer === undefined || consumer.documents.some((one) => one.file === file)) continue
      const others = services.filter(
        ({ name, url }) =>
          name !== consumer.name &&
          url !== undefined &&
          !Object.values(consumer.uses).some(({ service }) => service === name),
      )
      const text = others.length > 0 ? repository.text(file) : undefined
      for (const { name, url } of text === undefined ? [] : others) {
        const found = addressIn(text ?? '', url?.env, url?.default)
        if (found === undefined) continue
        yield {
          at: placeIn(file, text ?? '', found.index),
          subject: `${consumer.name} → ${name}`,
          message: `\`${consumer.name}\` reaches \`${name}\` (\`${found.what}\`) and declares no use of it`,
          fix: `add \`uses: { ${name}.…: { style: rpc } }\` to \`${consumer.name}\``,
        }
      }
    }
  },
}

/** The variable with the provider's address, or the address itself. */
function addressIn(
  text: string,
  variable: string | undefined,
  address: string | undefined,
): { readonly index: number; readonly what: string } | undefined {
  if (variable !== undefined) {
    const found = new RegExp(`(?<![A-Za-z0-9_])${variable}(?![A-Za-z0-9_])`).exec(text)
    if (found !== null) return { index: found.index, what: variable }
  }
  const host = address === undefined || !URL.canParse(address) ? '' : new URL(address).host
  // A bare name (`payments`) is also a word; with its port or its domain it is an address.
  if (!/[:.]/.test(host)) return undefined
  const index = text.search(new RegExp(`(?<![A-Za-z0-9.-])${host.replaceAll('.', '\\.')}(?![A-Za-z0-9.])`))
  return index < 0 ? undefined : { index, what: host }
}
