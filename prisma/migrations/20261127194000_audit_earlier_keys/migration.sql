-- Keys of before that the end of the chain vouches for, sealed with it: entries under them stay good when they are gone.
ALTER TABLE "audit_chain" ADD COLUMN "earlier_keys" TEXT[] DEFAULT ARRAY[]::TEXT[];
