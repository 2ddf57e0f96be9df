-- What people look at and clear, by type: finished jobs, newest first. Waiting ones have an index already.
CREATE INDEX "outbox_dead_by_type" ON "outbox" ("type", "finished_at" DESC, "id" DESC) WHERE "state" = 'dead';
CREATE INDEX "outbox_done_by_type" ON "outbox" ("type", "finished_at" DESC, "id" DESC) WHERE "state" = 'done';
