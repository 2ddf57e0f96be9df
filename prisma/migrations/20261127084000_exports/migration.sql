-- What users and admins take out of the database, from the order until the file is removed.
CREATE TYPE "export_state" AS ENUM ('queued', 'running', 'ready', 'failed', 'expired');

CREATE TABLE "data_export" (
  "id" TEXT NOT NULL,
  "kind" TEXT NOT NULL,
  "scope" TEXT NOT NULL,
  "format" TEXT NOT NULL,
  "state" "export_state" NOT NULL DEFAULT 'queued',
  "created_by_id" TEXT NOT NULL,
  "job_id" TEXT NOT NULL,
  "run_id" TEXT,
  "heard_at" TIMESTAMPTZ(3),
  "rows_total" INTEGER NOT NULL DEFAULT 0,
  "rows_written" INTEGER NOT NULL DEFAULT 0,
  "stored_name" TEXT,
  "size_bytes" BIGINT,
  "error_code" TEXT,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "started_at" TIMESTAMPTZ(3),
  "finished_at" TIMESTAMPTZ(3),
  "expires_at" TIMESTAMPTZ(3),
  "removed_at" TIMESTAMPTZ(3),

  CONSTRAINT "data_export_pkey" PRIMARY KEY ("id"),
  -- Whoever says ready has a file and tells until when.
  CONSTRAINT "data_export_ready_has_file" CHECK (
    "state" <> 'ready' OR ("stored_name" IS NOT NULL AND "size_bytes" IS NOT NULL AND "expires_at" IS NOT NULL)
  )
);

CREATE INDEX "data_export_created_by_id_created_at_id_idx" ON "data_export" ("created_by_id", "created_at", "id");
CREATE INDEX "data_export_stored_name_idx" ON "data_export" ("stored_name");
