/** The typed clients at the end of a generated file: plain `fetch`, nothing to install. */
import type { Service, Use } from '../model/system.ts'
import { comment } from './doc-comment.ts'
import { needsInput, operationComment } from './http-types.ts'
import { clientSupport, CLIENT_OPTIONS } from './client-support.ts'
import { memberAccess, memberName, type Names, camelCase } from './names.ts'

/** What a use's types are called in the file. */
export interface UseNames {
  readonly input: string
  readonly answer: string
}

/** `declaration`: only what a `.d.ts` says */
type ClientForm = 'typescript' | 'javascript' | 'declaration'

export function clientCode(
  service: Service,
  contract: string,
  names: Names,
  types: ReadonlyMap<string, UseNames>,
  form: ClientForm = 'typescript',
): string {
  const providers = Map.groupBy(Object.values(service.uses), (use) => use.service)
  if (providers.size === 0) return ''
  const clients = [...providers].map(([provider, uses]) => {
    const name = names.claim(`${camelCase(provider)}Client`)
    const about = comment(
      [`${provider} over plain \`fetch\`. An answer with a status that its contract does not declare is an error.`],
      '',
    )
    const calls = uses.map((use) => callCode(use, contract, types.get(use.ref), form)).join('\n')
    if (form === 'declaration')
      return `${about}export declare const ${name}: (options: ClientOptions) => {\n${calls}}\n`
    const options = form === 'typescript' ? 'options: ClientOptions' : 'options'
    return `${about}export const ${name} = (${options}) => ({\n${calls}})\n`
  })
  return `${clients.join('\n')}\n${form === 'declaration' ? CLIENT_OPTIONS : clientSupport(form)}`
}

function callCode(use: Use, contract: string, types: UseNames | undefined, form: ClientForm): string {
  const { input = 'CallInput', answer = 'unknown' } = types ?? {}
  const about = `${operationComment(use.provider, '  ')}  ${memberName(use.operation)}`
  const needed = needsInput(use.provider)
  if (form === 'declaration')
    return `${about}: (input${needed ? '' : '?'}: ${input}, signal?: AbortSignal) => Promise<${answer}>\n`
  const call = `request(${contract}.uses${memberAccess(use.ref)}, options, input, signal)`
  const initial = needed ? '' : ' = {}'
  if (form === 'javascript') return `${about}: (input${initial}, signal) =>\n    ${call},\n`
  return `${about}: (input: ${input}${initial}, signal?: AbortSignal) =>\n    ${call} as Promise<${answer}>,\n`
}
