import type { Shape } from '../shape/shape.ts'
import { duration, expression } from '../vocabulary/common.ts'
import { date, style } from '../vocabulary/x-integration.ts'

/** Every key of spandrel.yaml. Any text may hold `${VAR}` or `${VAR:-default}`. */

const text = (description: string, example: string): Shape => ({
  type: 'string',
  minLength: 1,
  description,
  examples: [example],
})

const paths: Shape = {
  title: 'a path or a list of them',
  anyOf: [
    { title: 'a path', type: 'string', minLength: 1 },
    { type: 'array', items: { type: 'string', minLength: 1 } },
  ],
}

const answers: Shape = {
  enum: ['off', 'warn', 'enforce'],
  description:
    'What becomes of an answer that does not fit its contract: it is passed on and told, or refused with 502.',
  examples: ['warn'],
}

const use: Shape = {
  type: ['object', 'null'],
  additionalProperties: false,
  properties: {
    style,
    reason: text("Why; required where the style is not the system's default.", 'the shopper waits for the price'),
    until: { ...date, description: 'When a deviation ends.', examples: ['2027-06-30'] },
    in: {
      type: 'array',
      minItems: 1,
      items: { type: 'string', minLength: 1 },
      description: 'The operations of this service that make the call. Absent: any of them may.',
      examples: [['placeOrder']],
      'x-hint': 'write a list: `in: [placeOrder]`',
    },
    fallback: text(
      'What is done without the answer. Absent: whoever calls fails where the call fails.',
      'the last known price',
    ),
  },
}

const offer: Shape = {
  type: 'object',
  additionalProperties: false,
  description: 'How the gateway offers its HTTP operations, where that is not at their own paths.',
  examples: [{ path: '/v1' }],
  properties: {
    path: {
      title: 'a path, or `servers`',
      description: 'What stands before every path. `servers`: the paths of the `servers` of its documents.',
      type: 'string',
      pattern: "^(?:(?:/[A-Za-z0-9._~!$&'()+,;=:@-]+)+|servers)$",
      examples: ['/v1'],
      'x-hint': 'write `/v1`, without a slash at the end, or `servers`',
    },
    version: {
      type: 'object',
      required: ['header', 'value'],
      additionalProperties: false,
      description: 'Only requests with this header are for it; so several versions have the same paths.',
      examples: [{ header: 'Accept-Version', value: '1', default: true }],
      properties: {
        header: text('The header that names the version.', 'Accept-Version'),
        value: text('What it says for this one.', '1'),
        default: {
          type: 'boolean',
          default: false,
          description: 'Requests without the header are for it, too.',
          examples: [true],
        },
      },
    },
    deprecated: { ...date, description: 'All of it is deprecated, since then.', examples: ['2026-06-01'] },
    sunset: { ...date, description: 'When all of it goes.', examples: ['2027-06-01'] },
    answers: { ...answers, default: 'what the gateway says for all' },
  },
}

const service: Shape = {
  type: 'object',
  required: ['contracts'],
  additionalProperties: false,
  properties: {
    owner: text('The team that answers for it.', 'team-orders'),
    external: {
      type: 'boolean',
      default: false,
      description: 'Not ours: nothing is generated or started for it.',
      examples: [true],
    },
    contracts: {
      type: 'array',
      minItems: 1,
      items: { type: 'string', minLength: 1 },
      description: 'Its OpenAPI and AsyncAPI documents, relative to this file.',
      examples: [['contracts/orders.openapi.yaml']],
      'x-hint': 'write a list: `contracts: [contracts/orders.openapi.yaml]`',
    },
    guarantees: {
      ...paths,
      description: 'Sidecars with guarantees for documents that have none; those beside a document are found by name.',
      examples: ['vendor/cardnet.guarantees.yaml'],
    },
    keys: {
      enum: ['service', 'gateway'],
      description: 'Who keeps key records: the service (on the runtime), or the gateway before it.',
      default: 'service; gateway where `external` or `events` is set',
      examples: ['service'],
      'x-synonyms': { runtime: 'service', self: 'service', proxy: 'gateway' },
    },
    url: text('Base URL of its HTTP operations.', '${ORDERS_URL:-http://127.0.0.1:7001}'),
    database: text('Its own database.', '${LEDGER_DATABASE_URL}'),
    events: text('Where its messages are posted to, if it is not on the runtime.', 'http://127.0.0.1:7005/events'),
    gateway: offer,
    dev: text('What starts it in `spandrel dev`.', 'node src/main.ts'),
    uses: {
      type: 'object',
      additionalProperties: use,
      description: 'The HTTP operations of others that it calls: `<service>.<operation>`.',
      examples: [{ 'payments.quotePrice': { style: 'rpc', reason: 'the shopper waits for the price' } }],
      'x-hint': 'write `uses: { payments.quotePrice: { style: rpc } }`',
    },
  },
}

const gateway: Shape = {
  type: 'object',
  additionalProperties: false,
  properties: {
    listen: {
      title: 'a port, or `host:port`',
      description: 'Where the gateway listens.',
      default: 8080,
      examples: [8080],
      anyOf: [
        { title: 'a port', type: 'integer', minimum: 0, maximum: 65_535 },
        {
          title: '`host:port`',
          type: 'string',
          pattern: '^(?:(?:[A-Za-z0-9.-]+|\\[[0-9A-Fa-f:]+\\]):)?[0-9]{1,5}$|\\$\\{',
          'x-hint': 'write `8080` or `0.0.0.0:8080`',
        },
      ],
    },
    caller: {
      ...expression,
      description: 'Who the caller is. Absent: what the security schemes say.',
      examples: ['$request.jwt#/sub'],
    },
    jwt: {
      type: 'object',
      required: ['jwks'],
      additionalProperties: false,
      description: 'How tokens are verified.',
      properties: {
        jwks: text('URL or file of a JSON Web Key Set.', 'https://login.example.com/.well-known/jwks.json'),
        issuer: text('The `iss` a token must have.', 'https://login.example.com/'),
        audience: text('The `aud` a token must have.', 'shop'),
      },
    },
    apiKeys: text('File of API keys: name → SHA-256 of the key.', 'storefronts.yaml'),
    tls: {
      type: 'object',
      required: ['cert', 'key'],
      additionalProperties: false,
      description: 'The certificate shown to clients. With it the gateway speaks HTTPS, and HTTP/2 to those who can.',
      properties: {
        cert: text('File in PEM: the certificate, and those that signed it after it.', 'tls/cert.pem'),
        key: text('File in PEM: its key.', 'tls/key.pem'),
      },
    },
    upstream: {
      type: 'object',
      additionalProperties: false,
      description: 'How services are spoken to.',
      properties: {
        breaker: {
          type: 'boolean',
          default: true,
          description: 'An instance of a service that fails too often is asked no more until it answers again.',
          examples: [false],
        },
        ca: text('File in PEM: an authority of your own, besides the usual ones.', 'tls/ca.pem'),
        http2: {
          type: 'boolean',
          default: false,
          description: 'Offer HTTP/2 to services.',
          examples: [true],
        },
      },
    },
    trusted: {
      type: 'object',
      required: ['header', 'from'],
      additionalProperties: false,
      description: "A header with the caller's name, believed from these proxies only.",
      properties: {
        header: text('Its name.', 'x-authenticated-user'),
        from: {
          type: 'array',
          minItems: 1,
          items: { type: 'string', minLength: 1 },
          description: 'Addresses or CIDR blocks.',
          examples: [['10.0.0.0/8']],
        },
      },
    },
    database: text(
      'Postgres of its own, where it keeps key records for services with `keys: gateway`.',
      '${GATEWAY_DATABASE_URL}',
    ),
    answers: { ...answers, default: 'off' },
    tenant: {
      ...expression,
      description: 'The claim that names the tenant, for keys of `scope: tenant`.',
      examples: ['$request.jwt#/tenant'],
    },
  },
}

export const systemShape: Shape = {
  title: 'spandrel.yaml',
  description: 'The services of a system and how they rely on each other.',
  type: 'object',
  required: ['version', 'system'],
  additionalProperties: false,
  properties: {
    version: { enum: [1], description: 'Of this format.', examples: [1] },
    system: {
      title: 'a name (lower case, digits, `-`)',
      type: 'string',
      pattern: '^[a-z][a-z0-9-]*$',
      description: 'The name of the system.',
      examples: ['shop'],
      'x-hint': 'write it in lower case, like `shop`',
    },
    include: {
      type: 'array',
      items: { type: 'string', minLength: 1 },
      description: 'Other spandrel.yaml files of this system, relative to this one.',
      examples: [['../payments/spandrel.yaml']],
      'x-hint': 'write a list: `include: [../payments/spandrel.yaml]`',
    },
    defaults: {
      type: 'object',
      additionalProperties: false,
      description: 'What holds unless an integration says otherwise.',
      properties: {
        style,
        availability: {
          type: 'number',
          minimum: 1,
          maximum: 100,
          description: 'How much of the time a service is there, in percent: what chains of calls are reckoned with.',
          default: 99.9,
          examples: [99.5],
          'x-hint': 'write a percentage: `availability: 99.5`',
        },
      },
    },
    gateway,
    services: {
      type: 'object',
      patternProperties: { '^[a-z][a-z0-9-]*$': service },
      additionalProperties: false,
      description: 'By name: lower case, digits, `-`.',
    },
    workflows: {
      type: 'object',
      description: 'Processes over several services, by name.',
      additionalProperties: {
        type: 'object',
        required: ['coordination'],
        additionalProperties: false,
        properties: {
          coordination: {
            enum: ['orchestration', 'choreography'],
            description: 'Whether one service conducts it, or each reacts to what it hears.',
            examples: ['choreography'],
          },
          owner: text('The team that answers for it.', 'team-orders'),
        },
      },
    },
    channels: {
      type: 'object',
      description: 'Settings of channels, by address.',
      additionalProperties: {
        type: 'object',
        additionalProperties: false,
        properties: {
          partitions: {
            type: 'integer',
            minimum: 1,
            maximum: 1024,
            default: 8,
            description: 'How many keys can be handled at once. Fixed for the life of the channel.',
            examples: [8],
          },
          retention: { ...duration, description: 'How long a transport keeps its messages.', examples: ['P7D'] },
          maxBytes: { type: 'integer', minimum: 1, description: 'Of one message.', examples: [1_048_576] },
        },
      },
    },
    check: {
      type: 'object',
      additionalProperties: false,
      description: 'How `spandrel check` judges.',
      properties: {
        severities: {
          type: 'object',
          description: 'By rule: how much it counts.',
          examples: [{ 'poll-without-push': 'off' }],
          additionalProperties: {
            enum: ['error', 'warning', 'info', 'off'],
            'x-synonyms': { warn: 'warning', none: 'off' },
          },
        },
        acknowledged: {
          type: 'array',
          description: 'Findings that are known, and stay for a while.',
          items: {
            type: 'object',
            required: ['rule', 'subject', 'owner', 'reason', 'until'],
            additionalProperties: false,
            properties: {
              rule: text('The id of the rule.', 'sync-chain'),
              subject: text('The service, operation or edge it is about.', 'orders'),
              owner: text('Who answers for it.', 'team-orders'),
              reason: text('Why it stays.', 'the card network offers nothing else'),
              until: { ...date, description: 'The last day on which it stays.', examples: ['2027-01-31'] },
            },
          },
        },
      },
    },
    transport: text('What carries messages.', '${SPANDREL_TRANSPORT_URL:-postgres:}'),
  },
}
