const common = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '200',
  shared_buffers: '128MB',
  max_wal_size: '512MB',
  password_encryption: 'scram-sha-256',
  timezone: 'UTC',
  log_timezone: 'UTC',
  // Compiling a query costs more than the queries of a farm ever take.
  jit: 'off',
}

/** Commits survive the death of every process, but no power cut. */
const withoutDurability = {
  fsync: 'off',
  full_page_writes: 'off',
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_wal_size: '2GB',
  checkpoint_timeout: '1h',
}

/** Command line of the server: settings for a small farm on a shared machine. */
export function serverArguments(cluster: string, port: number, { fast }: { fast: boolean }): string[] {
  const settings = { ...common, ...(fast && withoutDurability) }
  return [
    '-D',
    cluster,
    '-p',
    String(port),
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ]
}
