-- Whoever does not want to be counted is not.
ALTER TABLE "app_user" ADD COLUMN "analytics_opt_out" BOOLEAN NOT NULL DEFAULT false;

-- Attempts are rolled up by when they started and by when they ended.
CREATE INDEX "attempt_started_at_idx" ON "attempt" ("started_at");
CREATE INDEX "attempt_ended_at_idx" ON "attempt" ("ended_at");

CREATE TYPE "statistics_unit" AS ENUM ('hour', 'day');

CREATE TABLE "printer_state_span" (
    "printer_id" TEXT NOT NULL,
    "since" TIMESTAMPTZ(3) NOT NULL,
    "until" TIMESTAMPTZ(3),
    "state" TEXT NOT NULL,

    CONSTRAINT "printer_state_span_pkey" PRIMARY KEY ("printer_id", "since")
);
CREATE INDEX "printer_state_span_until_idx" ON "printer_state_span" ("until");

-- What printers do that are driven just now; from here on every change is written down.
INSERT INTO "printer_state_span" ("printer_id", "since", "state")
  SELECT "printer_id", now(), "state" FROM "printer_runtime" WHERE "lease_until" > now();

CREATE TABLE "api_minute" (
    "instance_id" TEXT NOT NULL,
    "minute" TIMESTAMPTZ(3) NOT NULL,
    "procedure" TEXT NOT NULL,
    "calls" INTEGER NOT NULL,
    "errors" INTEGER NOT NULL,
    "flushed_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "api_minute_pkey" PRIMARY KEY ("instance_id", "minute", "procedure")
);
CREATE INDEX "api_minute_minute_idx" ON "api_minute" ("minute");
CREATE INDEX "api_minute_flushed_at_idx" ON "api_minute" ("flushed_at");

CREATE TABLE "statistics_cursor" (
    "name" TEXT NOT NULL,
    "rolled_until" TIMESTAMPTZ(3),
    "kept_from" TIMESTAMPTZ(3),
    "looked_at" TIMESTAMPTZ(3),
    "position" TEXT,

    CONSTRAINT "statistics_cursor_pkey" PRIMARY KEY ("name")
);

CREATE TABLE "statistics_print" (
    "unit" "statistics_unit" NOT NULL,
    "period" TEXT NOT NULL,
    "begins" TIMESTAMPTZ(3) NOT NULL,
    "printer_id" TEXT NOT NULL,
    "project_id" TEXT NOT NULL,
    "started" INTEGER NOT NULL,
    "completed" INTEGER NOT NULL,
    "failed" INTEGER NOT NULL,
    "cancelled" INTEGER NOT NULL,
    "revoked" INTEGER NOT NULL,
    "print_seconds" DOUBLE PRECISION NOT NULL,

    CONSTRAINT "statistics_print_pkey" PRIMARY KEY ("unit", "period", "printer_id", "project_id")
);
CREATE INDEX "statistics_print_unit_begins_idx" ON "statistics_print" ("unit", "begins");

CREATE TABLE "statistics_printer_state" (
    "unit" "statistics_unit" NOT NULL,
    "period" TEXT NOT NULL,
    "begins" TIMESTAMPTZ(3) NOT NULL,
    "printer_id" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "seconds" DOUBLE PRECISION NOT NULL,

    CONSTRAINT "statistics_printer_state_pkey" PRIMARY KEY ("unit", "period", "printer_id", "state")
);
CREATE INDEX "statistics_printer_state_unit_begins_idx" ON "statistics_printer_state" ("unit", "begins");

CREATE TABLE "statistics_filament" (
    "unit" "statistics_unit" NOT NULL,
    "period" TEXT NOT NULL,
    "begins" TIMESTAMPTZ(3) NOT NULL,
    "printer_id" TEXT NOT NULL,
    "project_id" TEXT NOT NULL,
    "material" TEXT NOT NULL,
    "used_mm" DOUBLE PRECISION NOT NULL,
    "used_grams" DOUBLE PRECISION NOT NULL,

    CONSTRAINT "statistics_filament_pkey" PRIMARY KEY ("unit", "period", "printer_id", "project_id", "material")
);
CREATE INDEX "statistics_filament_unit_begins_idx" ON "statistics_filament" ("unit", "begins");

CREATE TABLE "statistics_api" (
    "unit" "statistics_unit" NOT NULL,
    "period" TEXT NOT NULL,
    "begins" TIMESTAMPTZ(3) NOT NULL,
    "procedure" TEXT NOT NULL,
    "calls" INTEGER NOT NULL,
    "errors" INTEGER NOT NULL,

    CONSTRAINT "statistics_api_pkey" PRIMARY KEY ("unit", "period", "procedure")
);
CREATE INDEX "statistics_api_unit_begins_idx" ON "statistics_api" ("unit", "begins");

CREATE TABLE "user_activity_day" (
    "user_id" TEXT NOT NULL,
    "day" TEXT NOT NULL,
    "event" TEXT NOT NULL,
    "count" INTEGER NOT NULL,

    CONSTRAINT "user_activity_day_pkey" PRIMARY KEY ("user_id", "day", "event")
);
CREATE INDEX "user_activity_day_day_idx" ON "user_activity_day" ("day");
ALTER TABLE "user_activity_day" ADD CONSTRAINT "user_activity_day_user_id_fkey" FOREIGN KEY ("user_id")
  REFERENCES "app_user" ("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- Which kept queries are asked for most, so that a process that has just begun knows it.
CREATE TABLE "hot_query" (
    "key" TEXT NOT NULL,
    "query" TEXT NOT NULL,
    "input" JSONB NOT NULL,
    "role" "user_role" NOT NULL,
    "asked" DOUBLE PRECISION NOT NULL,
    "asked_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "hot_query_pkey" PRIMARY KEY ("key")
);
