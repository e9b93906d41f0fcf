/** The value of a generated contract: the model's promises as a literal, validators attached. */
import type { Channel, Message, ReceiveOperation, SendOperation } from '../model/message.ts'
import type { HttpOperation, MediaType, Parameter, Response } from '../model/operation.ts'
import type { Service, System, Use } from '../model/system.ts'
import { contentSchema, inlineName, parametersIn } from './http-types.ts'
import type { Code } from './literal.ts'
import { pascalCase } from './names.ts'
import type { ServiceValidators } from './service-validators.ts'

export function contractData(system: System, service: Service, validators: ServiceValidators): Record<string, unknown> {
  return {
    system: system.name,
    service: service.name,
    source: `/${system.name}/${service.name}`,
    version: service.version,
    operations: mapped(service.operations, (operation) => operationData(operation, service, validators)),
    channels: mapped(service.channels, (channel) => channelData(channel, system)),
    sends: Object.fromEntries(
      sendsOf(service).map(({ send, message }) => [message.message, sendData(send, message, service, validators)]),
    ),
    receives: mapped(service.receives, (receive) => receiveData(receive, service, validators)),
    uses: mapped(service.uses, (use) => useData(use, system, validators)),
  }
}

/** Each message of each send; the model has made sure that a message is sent by one operation only. */
export function sendsOf(service: Service): { send: SendOperation; message: Message }[] {
  return Object.values(service.sends).flatMap((send) => send.messages.map((message) => ({ send, message })))
}

function mapped<T>(record: Readonly<Record<string, T>>, data: (value: T) => unknown): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, data(value)]))
}

function operationData(operation: HttpOperation, service: Service, validators: ServiceValidators): unknown {
  return {
    operation: operation.operation,
    method: operation.method,
    path: operation.path,
    parameters: parametersOf(operation).map((each) => ({
      ...parameterPlace(each),
      type: each.type,
      itemType: each.itemType,
      validate: validators.of(
        service,
        each.schema.schema,
        `${pascalCase(operation.operation)}${pascalCase(each.name)}`,
      ),
    })),
    ...httpData(operation, service, validators),
    guarantees: operation.guarantees.values,
    deprecated: operation.deprecated || undefined,
    sunset: operation.sunset,
  }
}

function useData(use: Use, system: System, validators: ServiceValidators): unknown {
  const provider = system.services[use.service]
  return {
    ref: use.ref,
    service: use.service,
    operation: use.operation,
    method: use.provider.method,
    path: use.provider.path,
    parameters: parametersOf(use.provider).map(parameterPlace),
    hasBody: use.provider.requestBody !== undefined,
    ...(provider === undefined ? {} : httpData(use.provider, provider, validators)),
    guarantees: use.provider.guarantees.values,
    url: { env: use.url.env, default: use.url.default },
  }
}

function parametersOf(operation: HttpOperation): Parameter[] {
  const whole = operation.parameters.find((each) => each.in === 'querystring')
  if (whole !== undefined) {
    const { file, line, column } = whole.location
    const what = `${operation.operation} takes its whole query as one parameter (\`in: querystring\`)`
    throw new Error(`${file}:${line}:${column}: ${what}; services on the runtime cannot read that: declare its members`)
  }
  return (['path', 'query', 'header', 'cookie'] as const).flatMap((place) => parametersIn(operation, place))
}

/** Where a parameter stands, and how it is written where that is not OpenAPI's default. */
function parameterPlace(parameter: Parameter): Record<string, unknown> {
  const style = parameter.in === 'query' || parameter.in === 'cookie' ? 'form' : 'simple'
  return {
    name: parameter.name,
    in: parameter.in,
    required: parameter.required,
    style: parameter.style === style ? undefined : parameter.style,
    explode: parameter.explode === (parameter.style === 'form') ? undefined : parameter.explode,
    contentType: parameter.contentType,
  }
}

function httpData(operation: HttpOperation, service: Service, validators: ServiceValidators): Record<string, unknown> {
  const name = pascalCase(operation.operation)
  const body = operation.requestBody
  return {
    body: body && {
      required: body.required,
      contentTypes: body.content.map((each) => each.contentType),
      validate:
        contentValidator(body.content, service, validators, `${name}Body`) ?? validators.of(service, true, 'Anything'),
    },
    answers: mapped(operation.responses, (response) => answerData(response, operation.operation, service, validators)),
  }
}

function answerData(response: Response, operation: string, service: Service, validators: ServiceValidators): unknown {
  const first = response.content.find((each) => each.json) ?? response.content[0]
  return {
    contentType: first?.contentType,
    headers: response.headers.map((each) => each.name.toLowerCase()).filter((each) => each !== 'content-type'),
    validate: contentValidator(response.content, service, validators, inlineName(operation, response.status)),
  }
}

function contentValidator(
  content: readonly MediaType[],
  service: Service,
  validators: ServiceValidators,
  name: string,
): Code | undefined {
  const schema = contentSchema(content)
  return schema === undefined ? undefined : validators.of(service, schema, name)
}

/** `types`: everything the system knows of the channel, so that a consumer can tell what is not for it from what is unknown. */
function channelData(channel: Channel, system: System): unknown {
  const { address, ordered, partitions, retentionMs, maxBytes } = channel
  const types = new Set<string>()
  for (const { sends, receives } of Object.values(system.services)) {
    for (const operation of [...Object.values(sends), ...Object.values(receives)]) {
      if (operation.channel === address) for (const { type } of operation.messages) types.add(type)
    }
  }
  return { address, ordered, partitions, retentionMs, maxBytes, types: [...types].sort() }
}

function sendData(send: SendOperation, message: Message, service: Service, validators: ServiceValidators): unknown {
  return {
    message: message.message,
    operation: send.operation,
    channel: send.channel,
    type: message.type,
    intent: message.intent,
    validate: validators.of(service, message.payload.schema, pascalCase(message.message)),
    guarantees: send.guarantees.values,
  }
}

function receiveData(receive: ReceiveOperation, service: Service, validators: ServiceValidators): unknown {
  const messages = receive.messages.map((message) => [
    message.type,
    validators.of(service, message.payload.schema, pascalCase(message.message)),
  ])
  return {
    operation: receive.operation,
    channel: receive.channel,
    messages: Object.fromEntries(messages),
    effects: receive.effects,
    guarantees: receive.guarantees.values,
  }
}
