import { openTransport } from '@spandrel/runtime'
import type { Road } from '../road/road.ts'
import { withClient } from '../road/databases.ts'

/** Appends the newest messages of the stream to it again, as they are: same ids, same keys. Resolves with how many. */
export async function redeliver(road: Road, count: number): Promise<number> {
  const messages = await withClient(road.databases.stream, async (client) => {
    const { rows } = await client.query<{ channel: string; attributes: string; data: string }>(
      `select c.address as channel, l.attributes, l.data from spandrel_stream.log l join spandrel_stream.channels c on c.id = l.channel
       order by l.appended_at desc, l."offset" desc limit $1`,
      [count],
    )
    return rows
      .toReversed()
      .map(({ channel, attributes, data }) => ({ channel, attributes: JSON.parse(attributes), data }))
  })
  const transport = await openTransport(road.databases.stream)
  try {
    await transport.publish(messages)
  } finally {
    await transport.close()
  }
  return messages.length
}
