-- Who is invited has no password yet, and chooses one with a token that is kept as its hash.
ALTER TABLE "app_user" ALTER COLUMN "password_hash" DROP NOT NULL;

CREATE TYPE "password_token_purpose" AS ENUM ('invitation', 'reset');

CREATE TABLE "password_token" (
  "user_id" TEXT NOT NULL,
  "purpose" "password_token_purpose" NOT NULL,
  "token_hash" TEXT NOT NULL,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "expires_at" TIMESTAMPTZ(3) NOT NULL,
  CONSTRAINT "password_token_pkey" PRIMARY KEY ("user_id"),
  CONSTRAINT "password_token_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "app_user"("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE UNIQUE INDEX "password_token_token_hash_key" ON "password_token"("token_hash");
