-- CreateTable
CREATE TABLE "fleet_instance" (
    "id" TEXT NOT NULL,
    "capacity" INTEGER NOT NULL,
    "alive_until" TIMESTAMPTZ(3) NOT NULL,
    "started_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "fleet_instance_pkey" PRIMARY KEY ("id")
);
