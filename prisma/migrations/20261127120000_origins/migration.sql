-- The request that ordered a job, and its trace, so that what is done later is found from it.
ALTER TABLE "outbox" ADD COLUMN "origin" JSONB;
ALTER TABLE "print_job" ADD COLUMN "origin" JSONB;
