-- What people decided about queues and schedules, and when a schedule is due: facts, so no queue holds them.
CREATE TABLE "job_queue" (
    "name" TEXT NOT NULL,
    "paused_at" TIMESTAMPTZ(3),
    "paused_by_id" TEXT,
    CONSTRAINT "job_queue_pkey" PRIMARY KEY ("name")
);

CREATE TABLE "job_schedule" (
    "type" TEXT NOT NULL,
    "times" TEXT NOT NULL,
    "next_at" TIMESTAMPTZ(3) NOT NULL,
    "last_at" TIMESTAMPTZ(3),
    "last_job_id" TEXT,
    "paused_at" TIMESTAMPTZ(3),
    "paused_by_id" TEXT,
    CONSTRAINT "job_schedule_pkey" PRIMARY KEY ("type")
);

-- How jobs went, by queue and minute. The arrays count runs by how long they waited and took, in the classes of the code.
CREATE TABLE "job_minute" (
    "queue" TEXT NOT NULL,
    "minute" TIMESTAMPTZ(3) NOT NULL,
    "completed" INTEGER NOT NULL,
    "failed" INTEGER NOT NULL,
    "dead" INTEGER NOT NULL,
    "waited" INTEGER[],
    "took" INTEGER[],
    CONSTRAINT "job_minute_pkey" PRIMARY KEY ("queue", "minute")
);
CREATE INDEX "job_minute_minute_idx" ON "job_minute"("minute");

-- What the relay looks for and what pages count, by type.
CREATE INDEX "outbox_by_type" ON "outbox" ("type", "state", "available_at") WHERE "state" IN ('pending', 'relayed');
CREATE INDEX "outbox_dead" ON "outbox" ("finished_at" DESC, "id" DESC) WHERE "state" = 'dead';
