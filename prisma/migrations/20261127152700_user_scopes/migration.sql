-- What of the farm a user sees; everything without a row.
CREATE TABLE "user_scope" (
  "user_id" TEXT NOT NULL,
  "all_printers" BOOLEAN NOT NULL,
  "printer_group_ids" TEXT[],
  "location_ids" TEXT[],
  "all_projects" BOOLEAN NOT NULL,
  "project_ids" TEXT[],
  "version" INTEGER NOT NULL DEFAULT 1,
  "created_by_id" TEXT,
  "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

  CONSTRAINT "user_scope_pkey" PRIMARY KEY ("user_id"),
  CONSTRAINT "user_scope_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "app_user" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
