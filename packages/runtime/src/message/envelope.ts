/**
 * A message as it is stored and carried: CloudEvents 1.0 attributes, and the data as the JSON text it was sent with.
 * Data is parsed only for validation and for handlers; everything else passes the text on.
 */
export interface Envelope {
  attributes: MessageAttributes
  /** JSON text, exactly as sent */
  data: string
}

export interface MessageAttributes {
  specversion: '1.0'
  /** the delivery identity, together with `source`; stable over redelivery */
  id: string
  source: string
  type: string
  /** RFC 3339, when it was sent */
  time: string
  datacontenttype: 'application/json'
  /** contract and version the data was written with: `urn:spandrel:<service>:<version>` */
  dataschema?: string
  /** the ordering key, set by the producer's `ordering.by` */
  partitionkey?: string
  correlationid: string
  /** id of the message (or of the request) that caused this one */
  causationid?: string
  traceparent?: string
  tracestate?: string
  /** the caller's own extensions */
  [extension: string]: string | undefined
}

/** An envelope and where it goes. */
export interface OutgoingMessage extends Envelope {
  channel: string
}
