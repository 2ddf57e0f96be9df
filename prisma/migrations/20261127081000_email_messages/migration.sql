CREATE TYPE "email_state" AS ENUM ('sending', 'sent', 'skipped', 'failed');

-- What became of each mail. The same key to the same address is one mail, however often it is ordered.
CREATE TABLE "email_message" (
    "id" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "to_address" TEXT NOT NULL,
    "template" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "state" "email_state" NOT NULL,
    "reason" TEXT,
    "job_id" TEXT,
    "tries" INTEGER NOT NULL DEFAULT 0,
    "sending_until" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "sent_at" TIMESTAMPTZ(3),

    CONSTRAINT "email_message_pkey" PRIMARY KEY ("id")
);

CREATE UNIQUE INDEX "email_message_key_to_address_key" ON "email_message" ("key", "to_address");
CREATE INDEX "email_message_created_at_id_idx" ON "email_message" ("created_at", "id");
