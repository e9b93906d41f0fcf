/** Makes what a connection did visible in the server's statistics. */
export async function flushStatistics(query: (sql: string) => Promise<unknown>): Promise<void> {
  // Before 15 a process of its own collected them, and a backend told it at most twice a second.
  await query(`do $$ begin
    if current_setting('server_version_num')::int >= 150000 then perform pg_stat_force_next_flush(); end if;
  end $$`)
  await query(`select case when current_setting('server_version_num')::int < 150000 then pg_sleep(0.6) end`)
  await query(`select pg_stat_clear_snapshot()`)
}
