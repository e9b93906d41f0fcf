/** How a setting that is off is turned on: it depends on who turned it off. */

/** `source`: as in pg_settings. */
export function settingFix(name: string, source: string): string {
  switch (source) {
    case 'user':
      return `alter role current_user reset ${name};`
    case 'database user':
      return `do $$ begin execute format('alter role current_user in database %I reset ${name}', current_database()); end $$;`
    case 'database':
      return `do $$ begin execute format('alter database %I reset ${name}', current_database()); end $$;`
    case 'command line':
      // It stands above every file.
      return `it comes from the command line that starts the server: take ${name} out there (-c ${name}=off, or --${name.replaceAll('_', '-')}=off) and start the server again`
    case 'client':
      return `it comes from the connection itself: take ${name} out of \`options\` in the connection string, or out of PGOPTIONS`
    default:
      return `alter system set ${name} = on; select pg_reload_conf();`
  }
}
