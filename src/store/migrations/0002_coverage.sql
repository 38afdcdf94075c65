-- What was read of each source without a gap, and what was not.
CREATE TABLE coverage (
    district TEXT NOT NULL,
    source TEXT NOT NULL,
    from_at INTEGER NOT NULL,
    to_at INTEGER NOT NULL,
    PRIMARY KEY (district, source, from_at)
) STRICT, WITHOUT ROWID;

-- Holes are numbered in the order the ledger keeps them. fresh: noticed by the look under way.
CREATE TABLE hole (
    district TEXT NOT NULL,
    source TEXT NOT NULL,
    position INTEGER NOT NULL,
    cause TEXT NOT NULL,
    state TEXT NOT NULL,
    from_at INTEGER NOT NULL,
    to_at INTEGER NOT NULL,
    posts INTEGER,
    noticed INTEGER NOT NULL,
    looks INTEGER NOT NULL,
    closed INTEGER,
    fresh INTEGER NOT NULL,
    PRIMARY KEY (district, source, position)
) STRICT, WITHOUT ROWID;

-- What the operator was told about the state of sources.
CREATE TABLE notice (
    district TEXT NOT NULL,
    id TEXT NOT NULL,
    at INTEGER NOT NULL,
    facts TEXT NOT NULL,
    PRIMARY KEY (district, id)
) STRICT;

-- When the look under way began (also one that was broken off), when the first look ever began, the
-- smoothed time between two looks, why the next one is when it is, and what the operator knows of the source's trouble.
ALTER TABLE source_state ADD COLUMN look_began INTEGER;
ALTER TABLE source_state ADD COLUMN first_look INTEGER;
ALTER TABLE source_state ADD COLUMN interval_secs INTEGER;
ALTER TABLE source_state ADD COLUMN why TEXT;
ALTER TABLE source_state ADD COLUMN told TEXT;
ALTER TABLE source_state ADD COLUMN told_at INTEGER;

-- Sources that were read before this was noted are no new ones.
UPDATE source_state SET first_look = 0 WHERE last_ok IS NOT NULL;

-- The daily quota that a call named, so that looks can be planned within it.
ALTER TABLE budget ADD COLUMN day_max INTEGER;
