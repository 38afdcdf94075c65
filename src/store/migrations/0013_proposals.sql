-- The works of one notice are proposed together; who said yes or no stands under the message.

ALTER TABLE works ADD COLUMN proposal TEXT;
ALTER TABLE works ADD COLUMN decided INTEGER;
ALTER TABLE works ADD COLUMN decided_by TEXT;

UPDATE works SET proposal = id WHERE source IS NOT NULL;

CREATE INDEX works_proposal ON works (district, proposal);
