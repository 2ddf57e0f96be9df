-- A person takes a copy away from its printer. The wish is a column, so that whoever drives the printer after a crash
-- finds it; where the copy may go from then on stands with the copy.
ALTER TABLE "attempt" ADD COLUMN "reassign_requested_at" TIMESTAMPTZ(3),
  ADD COLUMN "reassign_to_printer_id" TEXT;
ALTER TABLE "print_copy" ADD COLUMN "only_printer_id" TEXT,
  ADD COLUMN "not_printer_id" TEXT;

-- Few copies are bound: the queue asks for them with every look.
CREATE INDEX "print_copy_bound" ON "print_copy" ("job_id")
  WHERE "state" = 'queued' AND ("only_printer_id" IS NOT NULL OR "not_printer_id" IS NOT NULL);
