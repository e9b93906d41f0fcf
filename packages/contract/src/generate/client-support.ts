/**
 * What the generated clients share: one request over plain `fetch`, and how OpenAPI writes parameters. One text for
 * TypeScript and JavaScript: what stands between ⟦ and ⟧ is only for the compiler.
 */
export function clientSupport(form: 'typescript' | 'javascript'): string {
  return form === 'typescript'
    ? `${CLIENT_OPTIONS}\n${TYPES}\n${SUPPORT.replaceAll(/[⟦⟧]/g, '')}`
    : SUPPORT.replaceAll(/⟦.*?⟧/g, '')
}

export const CLIENT_OPTIONS = `export interface ClientOptions {
  /** where the provider is: \`http://127.0.0.1:7002\` */
  baseUrl: string
  /** the global one by default */
  fetch?: typeof globalThis.fetch
  /** sent with every request: credentials, a correlation id */
  headers?: Record<string, string>
}
`

const TYPES = `type CallInput = { params?: object; query?: object; headers?: object; cookies?: object; body?: unknown }
type CallParameter = UseContract['parameters'][number]
`

const SUPPORT = `async function request(use⟦: UseContract⟧, options⟦: ClientOptions⟧, input⟦: CallInput⟧, signal⟦?: AbortSignal⟧) {
  const headers⟦: Record<string, string>⟧ = { ...options.headers }
  const query⟦: string[]⟧ = []
  const cookies⟦: string[]⟧ = []
  let path = use.path
  for (const parameter of use.parameters) {
    const value = given(input, parameter)
    if (value === undefined) continue
    if (parameter.in === 'path') path = path.replace(\`{\${parameter.name}}\`, () => inPath(parameter, value))
    else if (parameter.in === 'query') query.push(...inQuery(parameter, value))
    else if (parameter.in === 'cookie') cookies.push(...inQuery(parameter, value))
    else headers[parameter.name.toLowerCase()] = listed(parameter, value, (text) => text)
  }
  if (cookies.length > 0) headers['cookie'] = cookies.join('; ')
  let body⟦: string | Uint8Array<ArrayBuffer> | undefined⟧
  if (input.body !== undefined) {
    const json = use.body?.contentTypes.find(isJson)
    headers['content-type'] ??= json ?? use.body?.contentTypes[0] ?? 'application/json'
    body = json === undefined ? ⟦(⟧input.body⟦ as string | Uint8Array<ArrayBuffer>)⟧ : JSON.stringify(input.body)
  }
  const url = \`\${options.baseUrl.replace(/\\/+$/, '')}\${path}\${query.length > 0 ? \`?\${query.join('&')}\` : ''}\`
  const answers = use.answers ?? {}
  const response = await (options.fetch ?? globalThis.fetch)(url, {
    method: use.method,
    headers,
    redirect: Object.keys(answers).some((status) => status.startsWith('3')) ? 'manual' : 'follow',
    ...(body === undefined ? {} : { body }),
    ...(signal === undefined ? {} : { signal }),
  })
  const { status } = response
  const answer = answers[status] ?? answers[\`\${Math.floor(status / 100)}XX\`] ?? answers['default']
  if (answer === undefined) {
    await response.body?.cancel()
    throw new Error(\`\${use.ref} answered \${status}, which its contract does not declare\`)
  }
  return { status, headers: Object.fromEntries(response.headers), body: await bodyOf(use, response, answer.contentType) }
}

async function bodyOf(use⟦: UseContract⟧, response⟦: Response⟧, contentType⟦: string | undefined⟧)⟦: Promise<unknown>⟧ {
  if (contentType === undefined || use.method === 'HEAD') return void (await response.body?.cancel())
  if (!isJson(contentType)) return contentType.startsWith('text/') ? response.text() : new Uint8Array(await response.arrayBuffer())
  const text = await response.text()
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new Error(\`\${use.ref} answered \${response.status} with a body that is not JSON\`, { cause })
  }
}

function isJson(contentType⟦: string⟧)⟦: boolean⟧ {
  return /^[^;]*[/+]json\\s*(?:;|$)/i.test(contentType)
}

function given(input⟦: CallInput⟧, { name, in: place }⟦: CallParameter⟧)⟦: unknown⟧ {
  const part = { path: input.params, query: input.query, header: input.headers, cookie: input.cookies }[place]
  const values = new Map(Object.entries(part ?? {}))
  return values.get(place === 'header' ? name.toLowerCase() : name)
}

function inPath(parameter⟦: CallParameter⟧, value⟦: unknown⟧)⟦: string⟧ {
  const text = listed(parameter, value, encodeURIComponent)
  if (parameter.style === 'label') return \`.\${text}\`
  return parameter.style === 'matrix' ? \`;\${parameter.name}=\${text}\` : text
}

function inQuery(parameter⟦: CallParameter⟧, value⟦: unknown⟧)⟦: string[]⟧ {
  const name = encodeURIComponent(parameter.name)
  const form = parameter.style === undefined || parameter.style === 'form'
  if (typeof value === 'object' && value !== null && parameter.contentType === undefined) {
    const members = Object.entries(value).map(([key, member]) => [encodeURIComponent(key), encodeURIComponent(textOf(member))])
    if (parameter.style === 'deepObject') return members.map(([key, text]) => \`\${name}[\${key}]=\${text}\`)
    if (parameter.explode ?? form) return members.map(([key, text]) => \`\${Array.isArray(value) ? name : key}=\${text}\`)
    const separator = parameter.style === 'spaceDelimited' ? '%20' : parameter.style === 'pipeDelimited' ? '%7C' : ','
    return [\`\${name}=\${members.map(([key, text]) => (Array.isArray(value) ? text : \`\${key}\${separator}\${text}\`)).join(separator)}\`]
  }
  return [\`\${name}=\${listed(parameter, value, encodeURIComponent)}\`]
}

/** OpenAPI's \`simple\` style: \`a,b\` for an array; \`k,v\`, exploded \`k=v\`, for an object. */
function listed(parameter⟦: CallParameter⟧, value⟦: unknown⟧, encode⟦: (text: string) => string⟧)⟦: string⟧ {
  if (parameter.contentType !== undefined) return encode(JSON.stringify(value))
  if (Array.isArray(value)) return value.map((each) => encode(textOf(each))).join(',')
  if (typeof value !== 'object' || value === null) return encode(textOf(value))
  const between = parameter.explode ? '=' : ','
  return Object.entries(value).map(([key, each]) => \`\${encode(key)}\${between}\${encode(textOf(each))}\`).join(',')
}

function textOf(value⟦: unknown⟧)⟦: string⟧ {
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
`
