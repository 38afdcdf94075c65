-- Alerts may be told together or held with a reason: budget, silences, planned works, effects of
-- one cause. When a message left stands in its own row, so that a receiver's shift can be counted.

ALTER TABLE delivery ADD COLUMN gathers INTEGER NOT NULL DEFAULT 0;

ALTER TABLE delivery ADD COLUMN sent INTEGER;

CREATE TABLE roll_up (
    district TEXT NOT NULL,
    subject TEXT NOT NULL,
    receiver TEXT NOT NULL,
    at INTEGER NOT NULL,
    facts TEXT NOT NULL,
    PRIMARY KEY (district, subject, receiver)
) STRICT;

CREATE TABLE silence (
    district TEXT NOT NULL,
    id TEXT NOT NULL,
    begins INTEGER NOT NULL,
    until INTEGER NOT NULL,
    facts TEXT NOT NULL,
    reminded INTEGER,
    ended INTEGER,
    told INTEGER,
    PRIMARY KEY (district, id)
) STRICT;

CREATE TABLE works (
    district TEXT NOT NULL,
    id TEXT NOT NULL,
    state TEXT NOT NULL,
    begins INTEGER NOT NULL,
    until INTEGER NOT NULL,
    facts TEXT NOT NULL,
    source TEXT,
    post TEXT,
    proposed INTEGER NOT NULL,
    ended INTEGER,
    PRIMARY KEY (district, id)
) STRICT;

CREATE TABLE held (
    district TEXT NOT NULL,
    alert TEXT NOT NULL,
    problem TEXT NOT NULL,
    held_by TEXT NOT NULL,
    holder TEXT NOT NULL,
    at INTEGER NOT NULL,
    facts TEXT NOT NULL,
    told INTEGER,
    PRIMARY KEY (district, alert)
) STRICT;

CREATE INDEX delivery_receiver ON delivery (district, receiver, state, sent);

CREATE INDEX held_holder ON held (district, held_by, holder, told);

CREATE INDEX silence_until ON silence (district, until);

CREATE INDEX works_until ON works (district, until);
