-- What each host remembered of prints when somebody looked last. Without a row nobody has looked yet.
CREATE TABLE "past_prints" (
    "printer_id" TEXT NOT NULL,
    "marks" TEXT[],
    "looked_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "past_prints_pkey" PRIMARY KEY ("printer_id")
);

ALTER TABLE "past_prints" ADD CONSTRAINT "past_prints_printer_id_fkey" FOREIGN KEY ("printer_id")
  REFERENCES "printer" ("id") ON DELETE CASCADE ON UPDATE CASCADE;
