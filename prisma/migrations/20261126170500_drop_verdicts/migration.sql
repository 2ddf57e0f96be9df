-- Why something waits is computed when somebody asks, from the rows and the latest word of the printers: what was stored
-- of it was old as soon as a printer changed, and cost more writes than everything that it spoke of.
DROP TABLE "dispatch_verdict";
