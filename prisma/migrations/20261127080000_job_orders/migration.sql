-- How one order of a job differs from what its type says, and why a dead one died.
ALTER TABLE "outbox" ADD COLUMN "priority" INTEGER,
  ADD COLUMN "attempts" INTEGER,
  ADD COLUMN "backoff" JSONB,
  ADD COLUMN "deduplication_id" TEXT,
  ADD COLUMN "deduplicated_until" TIMESTAMPTZ(3),
  ADD COLUMN "last_stack" TEXT;

-- An order gives its id back when it is finished, or when the time it asked for is over: only then may another have it.
CREATE UNIQUE INDEX "outbox_deduplication" ON "outbox" ("type", "deduplication_id") WHERE "deduplication_id" IS NOT NULL;

-- Names in capitals, as queues and pages show them. Three jobs that cleared tables became one.
UPDATE "outbox" SET "type" = 'DISPATCH_WAKE' WHERE "type" = 'dispatch.wake';
DELETE FROM "outbox" WHERE "type" LIKE 'maintenance.%';
