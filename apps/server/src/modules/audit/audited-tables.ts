/** How the changes of a table come into the audit log. The triggers of the migrations are held to this by a test. */
export interface AuditedTable {
  /** What its rows are called in entries. */
  target: string
  /** The column that says which one an entry is about. */
  id: string
  /** Recorded with their values. What is not named is neither recorded nor a reason for an entry. */
  columns: readonly string[]
  /** Secrets: recorded is that they changed. */
  secrets?: readonly string[]
  operations: 'insert' | 'update' | 'insert or update' | 'insert or update or delete'
  /**
   * `always`: whatever is changed, by hand in the database too, save by the server itself. `calls`: what the fleet
   * changes all the time, recorded when a call changes it.
   */
  when: 'always' | 'calls'
  /**
   * Rows that the fleet also changes in answer to a call, in transactions of its own: they belong to the caller only
   * beside an event that names one.
   */
  besideEvent?: true
}

const words = (text: string): readonly string[] => text.split(' ')

const edited = { operations: 'insert or update or delete', when: 'always' } as const
const ofFleet = { operations: 'insert or update', when: 'calls', besideEvent: true } as const
const ordered = { operations: 'insert or update', when: 'calls' } as const

export const AUDITED_TABLES: Readonly<Record<string, AuditedTable>> = {
  app_user: {
    ...{ target: 'user', id: 'id', ...edited, secrets: ['password_hash'] },
    columns: words('email display_name role custom_role_id disabled_at analytics_opt_out version'),
  },
  custom_role: { target: 'role', id: 'id', ...edited, columns: words('name permissions version') },
  user_scope: {
    ...{ target: 'user', id: 'user_id', ...edited },
    columns: words('all_printers printer_group_ids location_ids all_projects project_ids version'),
  },
  password_token: {
    ...{ target: 'user', id: 'user_id', ...edited, secrets: ['token_hash'] },
    columns: words('purpose expires_at'),
  },
  second_factor: {
    ...{ target: 'user', id: 'user_id', ...edited, secrets: ['seed_cipher'] },
    columns: ['confirmed_at'],
  },
  user_identity: { ...{ target: 'user', id: 'user_id', ...edited }, columns: words('id issuer subject') },
  // Those that are over are removed by a job.
  session: {
    ...{ target: 'session', id: 'id', operations: 'insert or update', when: 'always' },
    columns: words('user_id revoked_at revoked_reason'),
  },
  api_key: {
    ...{ target: 'api_key', id: 'id', ...edited, secrets: ['secret_hash'] },
    columns: words('user_id name scopes printer_group_ids project_ids expires_at revoked_at version'),
  },
  location: { target: 'location', id: 'id', ...edited, columns: words('name version') },
  printer_group: { target: 'printer_group', id: 'id', ...edited, columns: words('name location_id version') },
  printer: {
    ...{ target: 'printer', id: 'id', ...edited, secrets: ['api_key_cipher'] },
    columns: words(
      'name kind url model group_id location_id enabled maintenance nozzle_diameter_mm volume_x_mm volume_y_mm ' +
        'volume_z_mm version removed_at',
    ),
  },
  printer_material: { target: 'printer', id: 'printer_id', ...edited, columns: words('slot material color_hex') },
  print_file: { target: 'file', id: 'id', ...edited, columns: words('name version removed_at') },
  file_version: { target: 'file', id: 'file_id', ...edited, columns: words('id number sha256 size_bytes format') },
  project: { target: 'project', id: 'id', ...edited, columns: words('name status due_at version removed_at') },
  project_member: { target: 'project', id: 'project_id', ...edited, columns: words('user_id role') },
  project_part: {
    ...{ target: 'project', id: 'project_id', ...edited },
    columns: words('id name file_version_id target_quantity status position version'),
  },
  webhook: {
    ...{ target: 'webhook', id: 'id', ...edited, secrets: ['secret_cipher', 'previous_secret_cipher'] },
    columns: words('url description event_types min_severity enabled disabled_reason version removed_at'),
  },
  job_queue: { target: 'job_queue', id: 'name', ...edited, columns: ['paused_at'] },
  job_schedule: { target: 'job_schedule', id: 'type', ...edited, columns: ['paused_at'] },
  print_job: {
    ...{ target: 'print_job', id: 'id', ...ofFleet },
    columns: words(
      'name file_version_id project_id part_id copies priority requirements state queued_copies cancelled_copies ' +
        'held_copies version',
    ),
  },
  attempt: {
    ...{ target: 'attempt', id: 'id', ...ofFleet, operations: 'update' },
    columns: words('state reason_code cancel_requested_at reassign_requested_at reassign_to_printer_id'),
  },
  hold: {
    ...{ target: 'hold', id: 'id', ...ofFleet },
    columns: words('subject printer_id job_id code params released_at'),
  },
  printer_runtime: { target: 'printer', id: 'printer_id', ...ofFleet, operations: 'update', columns: ['bed'] },
  alarm: { target: 'alarm', id: 'id', ...ofFleet, operations: 'update', columns: words('acknowledged_at cleared_at') },
  // How it goes on is the fleet's doing.
  printer_command: {
    ...{ target: 'printer', id: 'printer_id', operations: 'insert', when: 'calls' },
    columns: words('id kind attempt_id'),
  },
  data_export: { target: 'export', id: 'id', ...ordered, columns: words('kind scope format created_by_id removed_at') },
  webhook_delivery: {
    ...{ target: 'webhook_delivery', id: 'id', ...ordered },
    columns: words('webhook_id event_type state job_id'),
  },
}
