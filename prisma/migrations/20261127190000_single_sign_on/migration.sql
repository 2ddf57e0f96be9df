-- Single sign-on: who at an identity provider is which user, and what becomes of a sign-on that came back from there.
CREATE TABLE "user_identity" (
    "id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "issuer" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "email" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "last_used_at" TIMESTAMPTZ(3),

    CONSTRAINT "user_identity_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "user_identity_issuer_subject_key" ON "user_identity"("issuer", "subject");
CREATE INDEX "user_identity_user_id_idx" ON "user_identity"("user_id");
ALTER TABLE "user_identity" ADD CONSTRAINT "user_identity_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "app_user"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- One row for each that came back: its state works no more. A client without cookies gets a ticket, which works once.
CREATE TABLE "sign_on" (
    "state_hash" TEXT NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "ticket_hash" TEXT,
    "ticket_expires_at" TIMESTAMPTZ(3),
    "challenge" TEXT,
    "proof" JSONB,

    CONSTRAINT "sign_on_pkey" PRIMARY KEY ("state_hash")
);
CREATE UNIQUE INDEX "sign_on_ticket_hash_key" ON "sign_on"("ticket_hash");
CREATE INDEX "sign_on_expires_at_idx" ON "sign_on"("expires_at");

-- When whoever began the session proved anew at the provider who they are.
ALTER TABLE "session" ADD COLUMN "reauthenticated_at" TIMESTAMPTZ(3);

CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON user_identity FOR EACH ROW
  WHEN (current_setting('gantry.call', true) IS DISTINCT FROM 'system')
  EXECUTE FUNCTION audit_row('user_id', 'id', 'issuer', 'subject');
