-- CreateEnum
CREATE TYPE "user_role" AS ENUM ('viewer', 'operator', 'admin');

-- CreateEnum
CREATE TYPE "printer_kind" AS ENUM ('octoprint', 'moonraker');

-- CreateEnum
CREATE TYPE "bed_state" AS ENUM ('clear', 'occupied');

-- CreateEnum
CREATE TYPE "hold_subject" AS ENUM ('printer', 'print_job');

-- CreateEnum
CREATE TYPE "printer_command_state" AS ENUM ('pending', 'taken', 'done', 'failed', 'expired');

-- CreateEnum
CREATE TYPE "project_status" AS ENUM ('todo', 'in_progress', 'done');

-- CreateEnum
CREATE TYPE "project_role" AS ENUM ('viewer', 'editor', 'owner');

-- CreateEnum
CREATE TYPE "print_job_state" AS ENUM ('queued', 'printing', 'held', 'done', 'failed', 'cancelled');

-- CreateEnum
CREATE TYPE "print_copy_state" AS ENUM ('queued', 'active', 'done', 'failed', 'cancelled', 'held');

-- CreateEnum
CREATE TYPE "attempt_state" AS ENUM ('claimed', 'uploading', 'starting', 'printing', 'paused', 'unknown', 'completed', 'failed', 'cancelled', 'revoked');

-- CreateEnum
CREATE TYPE "alarm_severity" AS ENUM ('info', 'warning', 'critical');

-- CreateEnum
CREATE TYPE "outbox_state" AS ENUM ('pending', 'relayed', 'done', 'dead');

-- CreateTable
CREATE TABLE "app_user" (
    "id" TEXT NOT NULL,
    "email" TEXT NOT NULL,
    "display_name" TEXT NOT NULL,
    "password_hash" TEXT NOT NULL,
    "role" "user_role" NOT NULL,
    "disabled_at" TIMESTAMPTZ(3),
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_by_id" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "app_user_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "session" (
    "id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "user_agent" TEXT,
    "ip" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "last_used_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "revoked_at" TIMESTAMPTZ(3),
    "revoked_reason" TEXT,

    CONSTRAINT "session_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "refresh_token" (
    "id" TEXT NOT NULL,
    "session_id" TEXT NOT NULL,
    "token_hash" TEXT NOT NULL,
    "parent_id" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "used_at" TIMESTAMPTZ(3),

    CONSTRAINT "refresh_token_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "api_key" (
    "id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "secret_hash" TEXT NOT NULL,
    "scopes" TEXT[],
    "printer_group_ids" TEXT[],
    "project_ids" TEXT[],
    "expires_at" TIMESTAMPTZ(3),
    "last_used_at" TIMESTAMPTZ(3),
    "revoked_at" TIMESTAMPTZ(3),
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_by_id" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "api_key_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "location" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_by_id" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "location_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "printer_group" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "location_id" TEXT,
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_by_id" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "printer_group_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "printer" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "kind" "printer_kind" NOT NULL,
    "url" TEXT NOT NULL,
    "api_key_cipher" TEXT,
    "model" TEXT,
    "group_id" TEXT,
    "location_id" TEXT,
    "enabled" BOOLEAN NOT NULL DEFAULT true,
    "maintenance" BOOLEAN NOT NULL DEFAULT false,
    "nozzle_diameter_mm" DOUBLE PRECISION,
    "volume_x_mm" DOUBLE PRECISION,
    "volume_y_mm" DOUBLE PRECISION,
    "volume_z_mm" DOUBLE PRECISION,
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_by_id" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "removed_at" TIMESTAMPTZ(3),

    CONSTRAINT "printer_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "printer_material" (
    "printer_id" TEXT NOT NULL,
    "slot" INTEGER NOT NULL,
    "material" TEXT NOT NULL,
    "color_hex" TEXT,

    CONSTRAINT "printer_material_pkey" PRIMARY KEY ("printer_id","slot")
);

-- CreateTable
CREATE TABLE "printer_runtime" (
    "printer_id" TEXT NOT NULL,
    "bed" "bed_state" NOT NULL DEFAULT 'occupied',
    "bed_since" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "bed_set_by_id" TEXT,
    "lease_owner" TEXT,
    "lease_until" TIMESTAMPTZ(3),
    "lease_epoch" INTEGER NOT NULL DEFAULT 0,
    "state" TEXT NOT NULL DEFAULT 'offline',
    "state_since" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "last_seen_at" TIMESTAMPTZ(3),
    "capabilities" JSONB NOT NULL DEFAULT '[]',
    "host_product" TEXT,
    "host_unique_id" TEXT,

    CONSTRAINT "printer_runtime_pkey" PRIMARY KEY ("printer_id")
);

-- CreateTable
CREATE TABLE "hold" (
    "id" TEXT NOT NULL,
    "subject" "hold_subject" NOT NULL,
    "printer_id" TEXT,
    "job_id" TEXT,
    "code" TEXT NOT NULL,
    "params" JSONB NOT NULL,
    "created_by_id" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "released_at" TIMESTAMPTZ(3),
    "released_by_id" TEXT,

    CONSTRAINT "hold_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "printer_command" (
    "id" TEXT NOT NULL,
    "printer_id" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "attempt_id" TEXT,
    "state" "printer_command_state" NOT NULL DEFAULT 'pending',
    "deadline_at" TIMESTAMPTZ(3) NOT NULL,
    "taken_by" TEXT,
    "taken_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),
    "error_code" TEXT,
    "error_detail" TEXT,
    "created_by_id" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "printer_command_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "print_file" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_by_id" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "removed_at" TIMESTAMPTZ(3),

    CONSTRAINT "print_file_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "file_version" (
    "id" TEXT NOT NULL,
    "file_id" TEXT NOT NULL,
    "number" INTEGER NOT NULL,
    "sha256" TEXT NOT NULL,
    "size_bytes" BIGINT NOT NULL,
    "format" TEXT NOT NULL,
    "metadata" JSONB NOT NULL,
    "thumbnail_sha256" TEXT,
    "thumbnail_format" TEXT,
    "created_by_id" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "file_version_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "project" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "status" "project_status" NOT NULL DEFAULT 'todo',
    "due_at" TIMESTAMPTZ(3),
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_by_id" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "removed_at" TIMESTAMPTZ(3),

    CONSTRAINT "project_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "project_member" (
    "project_id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "role" "project_role" NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "project_member_pkey" PRIMARY KEY ("project_id","user_id")
);

-- CreateTable
CREATE TABLE "project_part" (
    "id" TEXT NOT NULL,
    "project_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "file_version_id" TEXT NOT NULL,
    "target_quantity" INTEGER NOT NULL,
    "completed_quantity" INTEGER NOT NULL DEFAULT 0,
    "status" "project_status" NOT NULL DEFAULT 'todo',
    "position" INTEGER NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_by_id" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "project_part_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "print_job" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "file_version_id" TEXT NOT NULL,
    "project_id" TEXT,
    "part_id" TEXT,
    "copies" INTEGER NOT NULL,
    "priority" INTEGER NOT NULL DEFAULT 0,
    "requirements" JSONB NOT NULL,
    "state" "print_job_state" NOT NULL DEFAULT 'queued',
    "queued_copies" INTEGER NOT NULL,
    "active_copies" INTEGER NOT NULL DEFAULT 0,
    "done_copies" INTEGER NOT NULL DEFAULT 0,
    "failed_copies" INTEGER NOT NULL DEFAULT 0,
    "cancelled_copies" INTEGER NOT NULL DEFAULT 0,
    "held_copies" INTEGER NOT NULL DEFAULT 0,
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_by_id" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "print_job_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "print_copy" (
    "job_id" TEXT NOT NULL,
    "number" INTEGER NOT NULL,
    "state" "print_copy_state" NOT NULL DEFAULT 'queued',
    "attempts" INTEGER NOT NULL DEFAULT 0,

    CONSTRAINT "print_copy_pkey" PRIMARY KEY ("job_id","number")
);

-- CreateTable
CREATE TABLE "attempt" (
    "id" TEXT NOT NULL,
    "job_id" TEXT NOT NULL,
    "copy_number" INTEGER NOT NULL,
    "printer_id" TEXT NOT NULL,
    "state" "attempt_state" NOT NULL DEFAULT 'claimed',
    "lease_epoch" INTEGER NOT NULL,
    "bed_before" "bed_state" NOT NULL,
    "remote_name" TEXT NOT NULL,
    "remote_path" TEXT,
    "host_job_ref" TEXT,
    "reason_code" TEXT,
    "reason_params" JSONB,
    "progress" DOUBLE PRECISION,
    "print_seconds" DOUBLE PRECISION,
    "filament_used_mm" DOUBLE PRECISION,
    "filament_used_grams" DOUBLE PRECISION,
    "cancel_requested_at" TIMESTAMPTZ(3),
    "claimed_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "uploaded_at" TIMESTAMPTZ(3),
    "start_sent_at" TIMESTAMPTZ(3),
    "started_at" TIMESTAMPTZ(3),
    "ended_at" TIMESTAMPTZ(3),
    "file_removed_at" TIMESTAMPTZ(3),

    CONSTRAINT "attempt_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "dispatch_verdict" (
    "job_id" TEXT NOT NULL,
    "printer_id" TEXT NOT NULL,
    "reasons" JSONB NOT NULL,
    "evaluated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "dispatch_verdict_pkey" PRIMARY KEY ("job_id","printer_id")
);

-- CreateTable
CREATE TABLE "alarm" (
    "id" TEXT NOT NULL,
    "code" TEXT NOT NULL,
    "params" JSONB NOT NULL,
    "severity" "alarm_severity" NOT NULL,
    "subject_type" TEXT NOT NULL,
    "subject_id" TEXT NOT NULL,
    "raised_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "acknowledged_at" TIMESTAMPTZ(3),
    "acknowledged_by_id" TEXT,
    "cleared_at" TIMESTAMPTZ(3),

    CONSTRAINT "alarm_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "event" (
    "seq" BIGSERIAL NOT NULL,
    "txid" xid8 NOT NULL DEFAULT pg_current_xact_id(),
    "type" TEXT NOT NULL,
    "subject_type" TEXT NOT NULL,
    "subject_id" TEXT NOT NULL,
    "actor_id" TEXT,
    "printer_group_id" TEXT,
    "project_id" TEXT,
    "payload" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "event_pkey" PRIMARY KEY ("seq")
);

-- CreateTable
CREATE TABLE "outbox" (
    "id" TEXT NOT NULL,
    "type" TEXT NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,
    "payload" JSONB NOT NULL,
    "state" "outbox_state" NOT NULL DEFAULT 'pending',
    "relay_count" INTEGER NOT NULL DEFAULT 0,
    "available_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "relayed_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),
    "last_error" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "outbox_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "idempotency_key" (
    "actor_id" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "procedure" TEXT NOT NULL,
    "input_hash" TEXT NOT NULL,
    "response" JSONB,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "idempotency_key_pkey" PRIMARY KEY ("actor_id","key")
);

-- CreateIndex
CREATE UNIQUE INDEX "app_user_email_key" ON "app_user"("email");

-- CreateIndex
CREATE INDEX "session_user_id_idx" ON "session"("user_id");

-- CreateIndex
CREATE INDEX "session_expires_at_idx" ON "session"("expires_at");

-- CreateIndex
CREATE UNIQUE INDEX "refresh_token_token_hash_key" ON "refresh_token"("token_hash");

-- CreateIndex
CREATE INDEX "refresh_token_session_id_idx" ON "refresh_token"("session_id");

-- CreateIndex
CREATE INDEX "api_key_user_id_idx" ON "api_key"("user_id");

-- CreateIndex
CREATE UNIQUE INDEX "location_name_key" ON "location"("name");

-- CreateIndex
CREATE UNIQUE INDEX "printer_group_name_key" ON "printer_group"("name");

-- CreateIndex
CREATE INDEX "printer_group_id_idx" ON "printer"("group_id");

-- CreateIndex
CREATE INDEX "printer_runtime_lease_until_idx" ON "printer_runtime"("lease_until");

-- CreateIndex
CREATE INDEX "hold_printer_id_idx" ON "hold"("printer_id");

-- CreateIndex
CREATE INDEX "hold_job_id_idx" ON "hold"("job_id");

-- CreateIndex
CREATE INDEX "printer_command_state_deadline_at_idx" ON "printer_command"("state", "deadline_at");

-- CreateIndex
CREATE INDEX "printer_command_printer_id_created_at_idx" ON "printer_command"("printer_id", "created_at");

-- CreateIndex
CREATE INDEX "print_file_created_at_id_idx" ON "print_file"("created_at", "id");

-- CreateIndex
CREATE INDEX "file_version_sha256_idx" ON "file_version"("sha256");

-- CreateIndex
CREATE UNIQUE INDEX "file_version_file_id_number_key" ON "file_version"("file_id", "number");

-- CreateIndex
CREATE INDEX "project_created_at_id_idx" ON "project"("created_at", "id");

-- CreateIndex
CREATE INDEX "project_member_user_id_idx" ON "project_member"("user_id");

-- CreateIndex
CREATE INDEX "project_part_project_id_position_idx" ON "project_part"("project_id", "position");

-- CreateIndex
CREATE INDEX "print_job_created_at_id_idx" ON "print_job"("created_at", "id");

-- CreateIndex
CREATE INDEX "print_job_project_id_idx" ON "print_job"("project_id");

-- CreateIndex
CREATE UNIQUE INDEX "attempt_remote_name_key" ON "attempt"("remote_name");

-- CreateIndex
CREATE INDEX "attempt_printer_id_claimed_at_idx" ON "attempt"("printer_id", "claimed_at");

-- CreateIndex
CREATE INDEX "attempt_job_id_copy_number_idx" ON "attempt"("job_id", "copy_number");

-- CreateIndex
CREATE INDEX "dispatch_verdict_printer_id_idx" ON "dispatch_verdict"("printer_id");

-- CreateIndex
CREATE INDEX "alarm_raised_at_id_idx" ON "alarm"("raised_at", "id");

-- CreateIndex
CREATE INDEX "event_created_at_idx" ON "event"("created_at");

-- CreateIndex
CREATE INDEX "idempotency_key_expires_at_idx" ON "idempotency_key"("expires_at");

-- AddForeignKey
ALTER TABLE "session" ADD CONSTRAINT "session_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "app_user"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "refresh_token" ADD CONSTRAINT "refresh_token_session_id_fkey" FOREIGN KEY ("session_id") REFERENCES "session"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "api_key" ADD CONSTRAINT "api_key_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "app_user"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "printer_group" ADD CONSTRAINT "printer_group_location_id_fkey" FOREIGN KEY ("location_id") REFERENCES "location"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "printer" ADD CONSTRAINT "printer_group_id_fkey" FOREIGN KEY ("group_id") REFERENCES "printer_group"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "printer" ADD CONSTRAINT "printer_location_id_fkey" FOREIGN KEY ("location_id") REFERENCES "location"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "printer_material" ADD CONSTRAINT "printer_material_printer_id_fkey" FOREIGN KEY ("printer_id") REFERENCES "printer"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "printer_runtime" ADD CONSTRAINT "printer_runtime_printer_id_fkey" FOREIGN KEY ("printer_id") REFERENCES "printer"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "hold" ADD CONSTRAINT "hold_printer_id_fkey" FOREIGN KEY ("printer_id") REFERENCES "printer"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "hold" ADD CONSTRAINT "hold_job_id_fkey" FOREIGN KEY ("job_id") REFERENCES "print_job"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "printer_command" ADD CONSTRAINT "printer_command_printer_id_fkey" FOREIGN KEY ("printer_id") REFERENCES "printer"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "file_version" ADD CONSTRAINT "file_version_file_id_fkey" FOREIGN KEY ("file_id") REFERENCES "print_file"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "project_member" ADD CONSTRAINT "project_member_project_id_fkey" FOREIGN KEY ("project_id") REFERENCES "project"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "project_member" ADD CONSTRAINT "project_member_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "app_user"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "project_part" ADD CONSTRAINT "project_part_project_id_fkey" FOREIGN KEY ("project_id") REFERENCES "project"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "project_part" ADD CONSTRAINT "project_part_file_version_id_fkey" FOREIGN KEY ("file_version_id") REFERENCES "file_version"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "print_job" ADD CONSTRAINT "print_job_file_version_id_fkey" FOREIGN KEY ("file_version_id") REFERENCES "file_version"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "print_job" ADD CONSTRAINT "print_job_project_id_fkey" FOREIGN KEY ("project_id") REFERENCES "project"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "print_job" ADD CONSTRAINT "print_job_part_id_fkey" FOREIGN KEY ("part_id") REFERENCES "project_part"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "print_copy" ADD CONSTRAINT "print_copy_job_id_fkey" FOREIGN KEY ("job_id") REFERENCES "print_job"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "attempt" ADD CONSTRAINT "attempt_job_id_fkey" FOREIGN KEY ("job_id") REFERENCES "print_job"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "attempt" ADD CONSTRAINT "attempt_printer_id_fkey" FOREIGN KEY ("printer_id") REFERENCES "printer"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "dispatch_verdict" ADD CONSTRAINT "dispatch_verdict_job_id_fkey" FOREIGN KEY ("job_id") REFERENCES "print_job"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- Below: what Prisma's schema language cannot say. apps/server/test/database/schema.test.ts holds each of them.

-- The rules of printing safely that the database itself enforces: one active attempt per printer and per copy, and a
-- copy that is completed once.
CREATE UNIQUE INDEX "attempt_one_active_per_printer" ON "attempt" ("printer_id")
  WHERE "state" IN ('claimed', 'uploading', 'starting', 'printing', 'paused', 'unknown');
CREATE UNIQUE INDEX "attempt_one_active_per_copy" ON "attempt" ("job_id", "copy_number")
  WHERE "state" IN ('claimed', 'uploading', 'starting', 'printing', 'paused', 'unknown');
CREATE UNIQUE INDEX "attempt_completed_once_per_copy" ON "attempt" ("job_id", "copy_number")
  WHERE "state" = 'completed';

-- One open alarm per code and subject; one open hold per reason and subject.
CREATE UNIQUE INDEX "alarm_one_open_per_code_and_subject" ON "alarm" ("code", "subject_type", "subject_id")
  WHERE "cleared_at" IS NULL;
CREATE UNIQUE INDEX "hold_one_open_per_printer_and_code" ON "hold" ("printer_id", "code")
  WHERE "released_at" IS NULL AND "printer_id" IS NOT NULL;
CREATE UNIQUE INDEX "hold_one_open_per_job_and_code" ON "hold" ("job_id", "code")
  WHERE "released_at" IS NULL AND "job_id" IS NOT NULL;
ALTER TABLE "hold" ADD CONSTRAINT "hold_names_its_subject" CHECK (
  ("subject" = 'printer' AND "printer_id" IS NOT NULL AND "job_id" IS NULL) OR
  ("subject" = 'print_job' AND "job_id" IS NOT NULL AND "printer_id" IS NULL));

-- A name is free again once its owner was removed.
CREATE UNIQUE INDEX "printer_name_in_use" ON "printer" (lower("name")) WHERE "removed_at" IS NULL;
CREATE UNIQUE INDEX "print_file_name_in_use" ON "print_file" (lower("name")) WHERE "removed_at" IS NULL;

-- Copies are neither lost nor invented.
ALTER TABLE "print_job" ADD CONSTRAINT "print_job_copies_add_up" CHECK (
  "copies" = "queued_copies" + "active_copies" + "done_copies" + "failed_copies" + "cancelled_copies" + "held_copies"
  AND least("queued_copies", "active_copies", "done_copies", "failed_copies", "cancelled_copies", "held_copies") >= 0);
ALTER TABLE "project_part" ADD CONSTRAINT "project_part_quantities" CHECK ("target_quantity" > 0 AND "completed_quantity" >= 0);
ALTER TABLE "app_user" ADD CONSTRAINT "app_user_email_lower_case" CHECK ("email" = lower("email"));

-- What the loops ask for, in their order, and nothing else in the index.
CREATE INDEX "print_job_waiting" ON "print_job" ("priority" DESC, "created_at", "id") WHERE "queued_copies" > 0;
CREATE INDEX "print_copy_queued" ON "print_copy" ("job_id", "number") WHERE "state" = 'queued';
CREATE INDEX "attempt_active" ON "attempt" ("state") WHERE "state" IN ('claimed', 'uploading', 'starting', 'printing', 'paused', 'unknown');
CREATE INDEX "attempt_file_left_at_host" ON "attempt" ("printer_id") WHERE "file_removed_at" IS NULL;
CREATE INDEX "alarm_open" ON "alarm" ("raised_at", "id") WHERE "cleared_at" IS NULL;
CREATE INDEX "outbox_unfinished" ON "outbox" ("available_at") WHERE "state" IN ('pending', 'relayed');
CREATE INDEX "event_in_reading_order" ON "event" ("txid", "seq");
