-- Roles that people make of permissions, and who has one in place of a built-in role.
CREATE TABLE "custom_role" (
  "id" TEXT NOT NULL,
  "name" TEXT NOT NULL,
  "permissions" TEXT[],
  "version" INTEGER NOT NULL DEFAULT 1,
  "created_by_id" TEXT,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

  CONSTRAINT "custom_role_pkey" PRIMARY KEY ("id")
);

CREATE UNIQUE INDEX "custom_role_name_key" ON "custom_role" ("name");

ALTER TABLE "app_user" ADD COLUMN "custom_role_id" TEXT;
ALTER TABLE "app_user" ADD CONSTRAINT "app_user_custom_role_id_fkey"
  FOREIGN KEY ("custom_role_id") REFERENCES "custom_role" ("id") ON DELETE RESTRICT ON UPDATE CASCADE;
-- Whoever looks for admins by the built-in role must not find somebody who is none any more.
ALTER TABLE "app_user" ADD CONSTRAINT "app_user_custom_role_is_no_other" CHECK ("custom_role_id" IS NULL OR "role" = 'viewer');
CREATE INDEX "app_user_custom_role_id_idx" ON "app_user" ("custom_role_id");
