-- Problems meet by object, settlement and address; what a post said stays at hand while it is
-- young; a person's merges and splits are remembered; counts of the past tell what is usual.

ALTER TABLE problem ADD COLUMN aspect TEXT NOT NULL DEFAULT '';

ALTER TABLE problem ADD COLUMN address TEXT;

ALTER TABLE problem ADD COLUMN object TEXT;

ALTER TABLE problem ADD COLUMN voices INTEGER NOT NULL DEFAULT 0;

ALTER TABLE problem ADD COLUMN merged TEXT;

ALTER TABLE problem ADD COLUMN rumour TEXT;

UPDATE problem SET aspect = topic;

ALTER TABLE membership ADD COLUMN published INTEGER NOT NULL DEFAULT 0;

ALTER TABLE membership ADD COLUMN copy INTEGER NOT NULL DEFAULT 0;

ALTER TABLE membership ADD COLUMN sketch BLOB;

ALTER TABLE membership ADD COLUMN address TEXT;

UPDATE membership SET published = COALESCE((SELECT post.published FROM post
    WHERE post.district = membership.district AND post.source = membership.source
        AND post.id = membership.post), 0);

ALTER TABLE work ADD COLUMN objects TEXT NOT NULL DEFAULT '{}';

ALTER TABLE work ADD COLUMN echo INTEGER NOT NULL DEFAULT 0;

CREATE TABLE parted (
    district TEXT NOT NULL,
    source TEXT NOT NULL,
    post TEXT NOT NULL,
    problem TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (district, source, post, problem)
) STRICT, WITHOUT ROWID;

CREATE TABLE tally (
    district TEXT NOT NULL,
    topic TEXT NOT NULL,
    place TEXT NOT NULL,
    day INTEGER NOT NULL,
    history TEXT NOT NULL,
    PRIMARY KEY (district, topic, place)
) STRICT, WITHOUT ROWID;

DROP INDEX problem_subject;

CREATE INDEX problem_key ON problem (district, aspect, place, address, last, id);

CREATE INDEX problem_merged ON problem (district, aspect, place, address) WHERE merged IS NOT NULL;

CREATE INDEX membership_time ON membership (district, problem, published, source, post);

CREATE INDEX membership_quote ON membership (district, problem) WHERE quote_start IS NOT NULL;
