import { basename } from 'node:path'
import { fluentBitSinks, logstashSinks, vectorSinks } from './repository/log-sinks.ts'
import { placeIn } from './repository/place-in.ts'
import type { Rule } from './rule.ts'

/** Where logs are looked at, kept, or thrown away. Anything else hands them to a program. */
const observability =
  /^(console|stdout|blackhole|null|file|loki|elasticsearch|es|opensearch|opentelemetry|otel|otlp|datadog.*|splunk.*|new_?relic.*|nrlogs|prometheus.*|aws_cloudwatch.*|cloudwatch.*|gcp_stackdriver.*|stackdriver|google_cloud_logging|azure_monitor.*|azure_logs_ingestion|azure|honeycomb|humio.*|logscale|logdna|mezmo|papertrail|sematext.*|axiom|influxdb.*|statsd|graphite|gelf|syslog|coralogix|dynatrace|appsignal|keep|aws_s3|s3|gcp_cloud_storage|gcs|azure_blob|counter|stdout|rubydebug|dots|greptimedb.*|victorialogs|chronicle|gcp_chronicle.*|slack|email|pagerduty|nagios|zabbix|riemann|loggly|vector|forward|lumberjack|pipeline)$/i

export const logDrivenIntegration: Rule = {
  id: 'log-driven-integration',
  severity: 'warning',
  area: 'coupling',
  formats: ['repository'],
  law: 'logs are for people: no program is fed from a log shipper',
  why:
    'A log line has no contract, no owner and no delivery guarantee. Where a log shipper feeds a queue, a database or an ' +
    "HTTP endpoint, somebody's program depends on the wording of a message that any developer may change at any time.",
  fix: 'send a message with a contract, and let the shipper ship logs',
  *check({ repository }) {
    for (const file of repository.files) {
      const sinks = readerOf(file)
      const text = sinks === undefined ? undefined : repository.text(file)
      if (sinks === undefined || text === undefined) continue
      for (const { type, index } of sinks(text)) {
        if (observability.test(type)) continue
        yield {
          at: placeIn(file, text, index),
          subject: repository.ownerOf(file)?.name ?? basename(file),
          message: `${basename(file)} ships logs to \`${type}\`, which is no place to look at logs`,
        }
      }
    }
  },
}

function readerOf(
  file: string,
): ReturnType<typeof vectorSinks> extends never
  ? never
  : ((text: string) => readonly { readonly type: string; readonly index: number }[]) | undefined {
  const name = basename(file).toLowerCase()
  if (/^vector.*\.(ya?ml|toml|json)$/.test(name) || /[\\/]vector[\\/][^\\/]+\.(ya?ml|toml|json)$/i.test(file))
    return vectorSinks
  if (
    /^(fluent-?bit|td-agent-bit).*\.(conf|ya?ml)$/.test(name) ||
    /[\\/]fluent-?bit[\\/][^\\/]+\.(conf|ya?ml)$/i.test(file)
  )
    return fluentBitSinks
  if (/^logstash.*\.conf$/.test(name) || /[\\/](logstash|pipeline)[\\/][^\\/]+\.conf$/i.test(file)) return logstashSinks
  return undefined
}
