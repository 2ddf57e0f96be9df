-- What a job asks of a printer, as a number, then the order of the queue: a claim jumps from kind to kind and reads only
-- jobs that fit, however many stand before them that do not.
CREATE INDEX "print_job_waiting_by_kind" ON "print_job"
  (jsonb_hash_extended("requirements", 0), "priority" DESC, "created_at", "id") WHERE "queued_copies" > 0;
