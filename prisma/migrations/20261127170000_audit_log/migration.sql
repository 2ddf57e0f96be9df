-- What was changed and is not sealed yet: one row a changed row, event, ordered mail or refusal (docs/adr/0029-audit-log.md).
CREATE TABLE "audit_change" (
    "seq" BIGSERIAL NOT NULL,
    "txid" xid8 NOT NULL DEFAULT pg_current_xact_id(),
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "call" JSONB NOT NULL,
    "operation" TEXT NOT NULL,
    "source" TEXT NOT NULL,
    "target_id" TEXT,
    "before" JSONB,
    "after" JSONB,

    CONSTRAINT "audit_change_pkey" PRIMARY KEY ("seq")
);

CREATE INDEX "audit_change_in_reading_order" ON "audit_change"("txid", "seq");

-- The audit log: sealed, one row a transaction.
CREATE TABLE "audit_entry" (
    "seq" BIGINT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "actor_kind" TEXT NOT NULL,
    "actor_id" TEXT,
    "actor_name" TEXT,
    "ip" TEXT,
    "user_agent" TEXT,
    "request_id" TEXT,
    "action" TEXT NOT NULL,
    "outcome" TEXT NOT NULL,
    "error_code" TEXT,
    "times" INTEGER NOT NULL,
    "target_type" TEXT,
    "target_id" TEXT,
    "events" JSONB NOT NULL,
    "changes" JSONB NOT NULL,
    "omitted" INTEGER NOT NULL,
    "touched" TEXT[],
    "hash" TEXT NOT NULL,
    "key_id" TEXT NOT NULL,
    "seal" TEXT NOT NULL,

    CONSTRAINT "audit_entry_pkey" PRIMARY KEY ("seq")
);

CREATE INDEX "audit_entry_at_idx" ON "audit_entry"("at");
CREATE INDEX "audit_entry_actor_id_seq_idx" ON "audit_entry"("actor_id", "seq");
CREATE INDEX "audit_entry_action_seq_idx" ON "audit_entry"("action", "seq");
CREATE INDEX "audit_entry_touched_idx" ON "audit_entry" USING GIN ("touched");

-- Where the chain begins, after what was removed for its age, and where it ends.
CREATE TABLE "audit_chain" (
    "name" TEXT NOT NULL,
    "base_seq" BIGINT NOT NULL,
    "base_hash" TEXT NOT NULL,
    "base_key_id" TEXT NOT NULL,
    "base_seal" TEXT NOT NULL,
    "seq" BIGINT NOT NULL,
    "hash" TEXT NOT NULL,
    "key_id" TEXT NOT NULL,
    "seal" TEXT NOT NULL,

    CONSTRAINT "audit_chain_pkey" PRIMARY KEY ("name")
);

INSERT INTO audit_chain (name, base_seq, base_hash, base_key_id, base_seal, seq, hash, key_id, seal)
VALUES ('audit', 0, repeat('0', 64), '', '', 0, repeat('0', 64), '', '');

-- The setting `gantry.call` says who changes something in this transaction: `system` for the server itself, JSON for a
-- call. Where it says nothing, somebody is at the database without the server.
CREATE FUNCTION audit_caller() RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT coalesce(
    nullif(current_setting('gantry.call', true), '')::jsonb,
    jsonb_build_object('kind', 'database', 'actorId', session_user, 'ip', host(inet_client_addr()),
      'userAgent', current_setting('application_name')))
$$;

-- Records the change of one row. The arguments: the column that names the target, then the columns that are recorded;
-- of those with a `!` before them only that they changed.
CREATE FUNCTION audit_row() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  was jsonb := '{}';
  becomes jsonb := '{}';
  before jsonb := '{}';
  after jsonb := '{}';
  name text;
  hidden boolean;
BEGIN
  IF TG_OP <> 'INSERT' THEN was := to_jsonb(OLD); END IF;
  IF TG_OP <> 'DELETE' THEN becomes := to_jsonb(NEW); END IF;
  FOR i IN 1 .. TG_NARGS - 1 LOOP
    hidden := left(TG_ARGV[i], 1) = '!';
    name := ltrim(TG_ARGV[i], '!');
    CONTINUE WHEN nullif(was -> name, 'null') IS NOT DISTINCT FROM nullif(becomes -> name, 'null');
    IF TG_OP <> 'INSERT' THEN
      before := before || jsonb_build_object(name,
        CASE WHEN hidden AND was ->> name IS NOT NULL THEN to_jsonb('[redacted]'::text) ELSE was -> name END);
    END IF;
    IF TG_OP <> 'DELETE' THEN
      after := after || jsonb_build_object(name,
        CASE WHEN hidden AND becomes ->> name IS NOT NULL THEN to_jsonb('[redacted]'::text) ELSE becomes -> name END);
    END IF;
  END LOOP;
  IF TG_OP = 'UPDATE' AND after = '{}' THEN RETURN NULL; END IF;
  INSERT INTO audit_change (call, operation, source, target_id, before, after)
  VALUES (audit_caller(), lower(TG_OP), TG_TABLE_NAME,
    CASE WHEN TG_OP = 'DELETE' THEN was ->> TG_ARGV[0] ELSE becomes ->> TG_ARGV[0] END, before, after);
  RETURN NULL;
END
$$;

-- What a person did that changes no row of those tables stands in the event that tells of it.
CREATE FUNCTION audit_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO audit_change (call, operation, source, target_id, after)
  VALUES (audit_caller(), 'event', NEW.type, NEW.subject_id,
    jsonb_build_object('subjectType', NEW.subject_type, 'actorId', NEW.actor_id, 'payload', NEW.payload));
  RETURN NULL;
END
$$;

CREATE TRIGGER audit AFTER INSERT ON event FOR EACH ROW
  WHEN (left(current_setting('gantry.call', true), 1) = '{' AND NEW.actor_id <> 'system')
  EXECUTE FUNCTION audit_event();

-- What stands in a mail is nobody's business.
CREATE FUNCTION audit_mail() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO audit_change (call, operation, source, target_id)
  VALUES (audit_caller(), 'insert', 'outbox', NEW.id);
  RETURN NULL;
END
$$;

CREATE TRIGGER audit AFTER INSERT ON outbox FOR EACH ROW
  WHEN (left(current_setting('gantry.call', true), 1) = '{' AND NEW.type = 'EMAIL_NOTIFICATION')
  EXECUTE FUNCTION audit_mail();

-- What is sealed stays as it is, by accident too. Whoever owns the table can switch this off: that is what the chain is for.
CREATE FUNCTION audit_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' AND TG_TABLE_NAME = 'audit_entry' AND current_setting('gantry.audit', true) = 'retention' THEN
    RETURN NULL;
  END IF;
  RAISE EXCEPTION 'the audit log is not changed' USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER audit_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entry FOR EACH STATEMENT EXECUTE FUNCTION audit_keep();
CREATE TRIGGER audit_keep BEFORE DELETE OR TRUNCATE ON audit_chain FOR EACH STATEMENT EXECUTE FUNCTION audit_keep();

-- Which columns of which table, and when: apps/server/src/modules/audit/audited-tables.ts, held to this by a test.
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON app_user FOR EACH ROW
  WHEN (current_setting('gantry.call', true) IS DISTINCT FROM 'system')
  EXECUTE FUNCTION audit_row('id', 'email', 'display_name', 'role', 'custom_role_id', 'disabled_at', 'analytics_opt_out', 'version',
    '!password_hash');

CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON custom_role FOR EACH ROW
  WHEN (current_setting('gantry.call', true) IS DISTINCT FROM 'system')
  EXECUTE FUNCTION audit_row('id', 'name', 'permissions', 'version');

CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON user_scope FOR EACH ROW
  WHEN (current_setting('gantry.call', true) IS DISTINCT FROM 'system')
  EXECUTE FUNCTION audit_row('user_id', 'all_printers', 'printer_group_ids', 'location_ids', 'all_projects', 'project_ids', 'version');

CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON password_token FOR EACH ROW
  WHEN (current_setting('gantry.call', true) IS DISTINCT FROM 'system')
  EXECUTE FUNCTION audit_row('user_id', 'purpose', 'expires_at', '!token_hash');

CREATE TRIGGER audit AFTER INSERT OR UPDATE ON session FOR EACH ROW
  WHEN (current_setting('gantry.call', true) IS DISTINCT FROM 'system')
  EXECUTE FUNCTION audit_row('id', 'user_id', 'revoked_at', 'revoked_reason');

CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON api_key FOR EACH ROW
  WHEN (current_setting('gantry.call', true) IS DISTINCT FROM 'system')
  EXECUTE FUNCTION audit_row('id', 'user_id', 'name', 'scopes', 'printer_group_ids', 'project_ids', 'expires_at', 'revoked_at',
    'version', '!secret_hash');

CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON location FOR EACH ROW
  WHEN (current_setting('gantry.call', true) IS DISTINCT FROM 'system')
  EXECUTE FUNCTION audit_row('id', 'name', 'version');

CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON printer_group FOR EACH ROW
  WHEN (current_setting('gantry.call', true) IS DISTINCT FROM 'system')
  EXECUTE FUNCTION audit_row('id', 'name', 'location_id', 'version');

CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON printer FOR EACH ROW
  WHEN (current_setting('gantry.call', true) IS DISTINCT FROM 'system')
  EXECUTE FUNCTION audit_row('id', 'name', 'kind', 'url', 'model', 'group_id', 'location_id', 'enabled', 'maintenance',
    'nozzle_diameter_mm', 'volume_x_mm', 'volume_y_mm', 'volume_z_mm', 'version', 'removed_at',
    '!api_key_cipher');

CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON printer_material FOR EACH ROW
  WHEN (current_setting('gantry.call', true) IS DISTINCT FROM 'system')
  EXECUTE FUNCTION audit_row('printer_id', 'slot', 'material', 'color_hex');

CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON print_file FOR EACH ROW
  WHEN (current_setting('gantry.call', true) IS DISTINCT FROM 'system')
  EXECUTE FUNCTION audit_row('id', 'name', 'version', 'removed_at');

CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON file_version FOR EACH ROW
  WHEN (current_setting('gantry.call', true) IS DISTINCT FROM 'system')
  EXECUTE FUNCTION audit_row('file_id', 'id', 'number', 'sha256', 'size_bytes', 'format');

CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON project FOR EACH ROW
  WHEN (current_setting('gantry.call', true) IS DISTINCT FROM 'system')
  EXECUTE FUNCTION audit_row('id', 'name', 'status', 'due_at', 'version', 'removed_at');

CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON project_member FOR EACH ROW
  WHEN (current_setting('gantry.call', true) IS DISTINCT FROM 'system')
  EXECUTE FUNCTION audit_row('project_id', 'user_id', 'role');

CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON project_part FOR EACH ROW
  WHEN (current_setting('gantry.call', true) IS DISTINCT FROM 'system')
  EXECUTE FUNCTION audit_row('project_id', 'id', 'name', 'file_version_id', 'target_quantity', 'status', 'position', 'version');

CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON webhook FOR EACH ROW
  WHEN (current_setting('gantry.call', true) IS DISTINCT FROM 'system')
  EXECUTE FUNCTION audit_row('id', 'url', 'description', 'event_types', 'min_severity', 'enabled', 'disabled_reason', 'version',
    'removed_at', '!secret_cipher', '!previous_secret_cipher');

CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON job_queue FOR EACH ROW
  WHEN (current_setting('gantry.call', true) IS DISTINCT FROM 'system')
  EXECUTE FUNCTION audit_row('name', 'paused_at');

CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON job_schedule FOR EACH ROW
  WHEN (current_setting('gantry.call', true) IS DISTINCT FROM 'system')
  EXECUTE FUNCTION audit_row('type', 'paused_at');

CREATE TRIGGER audit AFTER INSERT OR UPDATE ON print_job FOR EACH ROW
  WHEN (left(current_setting('gantry.call', true), 1) = '{')
  EXECUTE FUNCTION audit_row('id', 'name', 'file_version_id', 'project_id', 'part_id', 'copies', 'priority', 'requirements',
    'state', 'queued_copies', 'cancelled_copies', 'held_copies', 'version');

CREATE TRIGGER audit AFTER UPDATE ON attempt FOR EACH ROW
  WHEN (left(current_setting('gantry.call', true), 1) = '{')
  EXECUTE FUNCTION audit_row('id', 'state', 'reason_code', 'cancel_requested_at', 'reassign_requested_at',
    'reassign_to_printer_id');

CREATE TRIGGER audit AFTER INSERT OR UPDATE ON hold FOR EACH ROW
  WHEN (left(current_setting('gantry.call', true), 1) = '{')
  EXECUTE FUNCTION audit_row('id', 'subject', 'printer_id', 'job_id', 'code', 'params', 'released_at');

CREATE TRIGGER audit AFTER UPDATE ON printer_runtime FOR EACH ROW
  WHEN (left(current_setting('gantry.call', true), 1) = '{')
  EXECUTE FUNCTION audit_row('printer_id', 'bed');

CREATE TRIGGER audit AFTER UPDATE ON alarm FOR EACH ROW
  WHEN (left(current_setting('gantry.call', true), 1) = '{')
  EXECUTE FUNCTION audit_row('id', 'acknowledged_at', 'cleared_at');

CREATE TRIGGER audit AFTER INSERT ON printer_command FOR EACH ROW
  WHEN (left(current_setting('gantry.call', true), 1) = '{')
  EXECUTE FUNCTION audit_row('printer_id', 'id', 'kind', 'attempt_id');

CREATE TRIGGER audit AFTER INSERT OR UPDATE ON data_export FOR EACH ROW
  WHEN (left(current_setting('gantry.call', true), 1) = '{')
  EXECUTE FUNCTION audit_row('id', 'kind', 'scope', 'format', 'created_by_id', 'removed_at');

CREATE TRIGGER audit AFTER INSERT OR UPDATE ON webhook_delivery FOR EACH ROW
  WHEN (left(current_setting('gantry.call', true), 1) = '{')
  EXECUTE FUNCTION audit_row('id', 'webhook_id', 'event_type', 'state', 'job_id');
